import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike, TypedArray } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { largest } from '@tp/metrics'
import type { Shape } from '../options.ts'

/**
 * Inputs of a shape to time a model on: texts are made of real tokens, repeating the longest example; of images and sounds the
 * first examples are used.
 */
export async function timedInputs(inputs: ModelInputs, { batch, tokens }: Shape): Promise<NamedTensors> {
  const { lengths, targets } = inputs
  if (lengths === undefined || tokens === undefined) {
    return inputs.feeds(Array.from({ length: batch }, (_, i) => i % targets.length))
  }
  const longest = largest(lengths)
  const one = await inputs.feeds([longest])
  return Object.fromEntries(Object.entries(one).map(([name, tensor]) => [name, repeated(name, tensor, batch, tokens)]))
}

/** [1,n] → [batch,tokens] */
function repeated(name: string, { type, dims, data }: TensorLike, batch: number, tokens: number): TensorLike {
  const [rows, length = 0] = dims
  if (rows !== 1 || dims.length !== 2) {
    throw new TpError(
      'TP_INPUT',
      'optimize',
      `input "${name}" has shape [${dims.join(', ')}], which is not that of a text`,
    )
  }
  const values = data as TypedArray
  const longer = new (values.constructor as new (length: number) => TypedArray)(batch * tokens)
  for (let i = 0; i < longer.length; i++) longer[i] = values[(i % tokens) % length] as never
  return { type, dims: [batch, tokens], data: longer }
}
