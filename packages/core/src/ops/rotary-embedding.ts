import type { Op } from '../expression/tensor.ts'
import { noKernel } from './kernels.ts'
import { operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** ONNX's own rotary positions (opset 23), turned into x [b, h, n, d] or [b, n, h·d]. */
export const RotaryEmbedding: Op = {
  name: 'RotaryEmbedding',
  since: 23,
  infer(inputs) {
    const x = operand(inputs, 0)
    return [{ dtype: x.dtype, dims: dimsOf(x) }]
  },
  run: noKernel('RotaryEmbedding'),
}
