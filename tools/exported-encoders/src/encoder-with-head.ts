import {
  add,
  axisSize,
  cast,
  concat,
  div,
  equal,
  expand,
  fill,
  gather,
  input,
  matmul,
  relu,
  reshape,
  softmax,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { emitModel } from '@tp/onnx'
import { type RandomLayers, randomLayers } from './layers.ts'
import { seeded } from './random.ts'

const [heads, headDim, vocabulary] = [2, 4, 30]
const hidden = heads * headDim

/** The input of a head. */
export interface HeadInput extends Pick<RandomLayers, 'linear'> {
  /** The last states, [b,n,8], as the last norm returns them. */
  readonly x: Tensor
  /** 1 for real tokens and 0 for padding, [b,n,1]. */
  readonly mask: Tensor
}

/** The input of an attention. */
interface AttendInput extends Pick<RandomLayers, 'linear'> {
  /** The states, [b,n,8]. */
  readonly x: Tensor
  /** True for padding, [b,1,1,n]. */
  readonly isPadding: Tensor
}

/** How many heads an attention has, and the features of each. */
export const attentionSizes: { readonly heads: number; readonly headDim: number } = { heads, headDim }

/** A function that gives the new states, [b,n,8], of an attention without the residual sum. */
export type Attend = (input: AttendInput) => Tensor

/** Heads as the second axis, [b,h,n,d]: as most exports have them. */
const attendByHeads: Attend = ({ x, isPadding, linear }) => {
  const apart = (y: Tensor): Tensor =>
    transpose(reshape(linear(y, hidden), [axisSize(y, 0), axisSize(y, 1), heads, headDim]), [0, 2, 1, 3])
  const [query, key, value] = [apart(x), apart(x), apart(x)]
  const scores = where(isPadding, -1e9, div(matmul(query, swapLast(key)), Math.sqrt(headDim)))
  const context = transpose(matmul(softmax(scores), value), [0, 2, 1, 3])
  return linear(reshape(context, [axisSize(x, 0), axisSize(x, 1), hidden]), hidden)
}

/** The form of an encoder. */
export interface EncoderForm {
  readonly attend?: Attend
  /** A learned token comes before those of the text, so that how many there are is computed. */
  readonly learned?: boolean
}

/**
 * A post-norm encoder of two layers without positions, so that its padding may stand anywhere, and a head of the test's own:
 * `input_ids` (below 30), `attention_mask` → `output`.
 */
export function encoderWithHead(
  head: (input: HeadInput) => Tensor,
  { attend = attendByHeads, learned = false }: EncoderForm = {},
): Uint8Array {
  const { linear, norm, weight } = randomLayers(seeded(5))
  const ids = input('input_ids', 'int64', ['batch', 'sequence'])
  const marks = input('attention_mask', 'int64', ['batch', 'sequence'])
  const texts = gather(weight([vocabulary, hidden], 1), ids, 0)
  const batch = axisSize(ids, 0)
  const mask = learned ? concat([fill(1, 'int64', [batch, 1]), marks], 1) : marks
  let x = learned ? concat([expand(weight([1, 1, hidden], 1), [batch, 1, hidden]), texts], 1) : texts
  const isPadding = equal(unsqueeze(mask, [1, 2]), 0)
  for (let layer = 0; layer < 2; layer++) {
    x = norm(add(x, attend({ x, isPadding, linear })))
    x = norm(add(x, linear(relu(linear(x, 2 * hidden)), hidden)))
  }
  return emitModel({ output: head({ x, mask: cast(unsqueeze(mask, 2), 'float32'), linear }) }, { opset: 17 })
}
