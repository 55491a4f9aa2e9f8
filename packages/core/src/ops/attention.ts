import { addDims, type Dim, divideExactly, mulDims, unknownDim } from '../dim.ts'
import type { Op } from '../op.ts'
import type { OutputInfo } from '../tensor.ts'
import { noKernel } from './kernels.ts'
import { intOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/**
 * ONNX's own attention (opset 23): query, key, value as [b, h, n, d] or, with q_num_heads and kv_num_heads, as [b, n, h·d].
 * Outputs: result, present key and value, and the scores or probabilities [b, h, queries, keys].
 */
export const Attention: Op = {
  name: 'Attention',
  since: 23,
  infer(inputs, attributes) {
    const query = operand(inputs, 0)
    const key = operand(inputs, 1)
    const value = operand(inputs, 2)
    const { dtype } = query
    const [q, k, v] = [query, key, value].map(dimsOf)
    const none: OutputInfo = { dtype, dims: undefined }
    if (q === undefined || k === undefined || v === undefined) return [none, none, none, none]
    const heads = intOf(attributes, 'q_num_heads', 0)
    const groups = intOf(attributes, 'kv_num_heads', 0)
    const [queries, keys, values] = [split(q, heads), split(k, groups), split(v, groups)]
    const past = inputs[4] === undefined ? 0 : (dimsOf(inputs[4])?.[2] ?? unknownDim())
    const total = addDims(keys[2], past)
    const width = values[3]
    return [
      {
        dtype,
        dims:
          q.length === 4
            ? [queries[0], queries[1], queries[2], width]
            : [q[0] as Dim, q[1] as Dim, mulDims(width, heads)],
      },
      { dtype, dims: [keys[0], keys[1], total, keys[3]] },
      { dtype, dims: [values[0], values[1], total, width] },
      { dtype, dims: [queries[0], queries[1], queries[2], total] },
    ]
  },
  run: noKernel('Attention'),
}

function split(dims: readonly Dim[], heads: number): readonly [Dim, Dim, Dim, Dim] {
  if (dims.length === 4) return dims as readonly [Dim, Dim, Dim, Dim]
  const [batch, tokens, hidden] = dims as readonly [Dim, Dim, Dim]
  return [batch, heads, tokens, divideExactly(hidden, heads) ?? unknownDim()]
}
