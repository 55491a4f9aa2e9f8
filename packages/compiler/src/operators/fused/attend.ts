import { add, matmul, mul, reshape, softmax, swapLast, type Tensor, transpose } from '@tp/core'
import { Refused } from '../../program/refusal.ts'

export interface Attending {
  /** [b,h,q,d] */
  readonly query: Tensor
  /** [b,h,k,d] */
  readonly key: Tensor
  /** [b,h,k,d] */
  readonly value: Tensor
  readonly scale: number
  /** Added to the scores; they broadcast to [b,h,q,k]. */
  readonly biases: readonly Tensor[]
}

export interface Attended {
  /** Q·Kᵀ·scale + biases, [b,h,q,k] */
  readonly scores: Tensor
  /** softmax(scores)·V, [b,h,q,d] */
  readonly context: Tensor
}

export function attend({ query, key, value, scale, biases }: Attending): Attended {
  let scores = mul(matmul(query, swapLast(key)), scale)
  for (const bias of biases) scores = add(scores, bias)
  return { scores, context: matmul(softmax(scores), value) }
}

/** Whether a bias of the scores is [1|b, 1|h, ·, ·], as onnxruntime's operators take it. */
export function isPerHead(bias: Tensor, heads: number): boolean {
  return bias.hasShape && bias.rank === 4 && (bias.dims[1] === 1 || bias.dims[1] === heads)
}

/**
 * [b,n,h·d] → [b,h,n,d]
 * @throws Refused TP_HEADS if the heads cannot share the columns evenly
 */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const width = x.dims[2]
  if (heads < 1 || (typeof width === 'number' && width % heads !== 0))
    throw new Refused('TP_HEADS', `an attention of ${heads} heads has ${width} columns, which they cannot share evenly`)
  // Zeros copy sizes, so that the shape is right however many tokens are kept.
  const each = typeof width === 'number' ? width / heads : -1
  return transpose(reshape(x, [0, 0, heads, each]), [0, 2, 1, 3])
}

/** [b,h,n,d] → [b,n,h·d] */
export function mergeHeads(x: Tensor): Tensor {
  const [heads, width] = [x.dims[1], x.dims[3]]
  const all = typeof heads === 'number' && typeof width === 'number' ? heads * width : -1
  return reshape(transpose(x, [0, 2, 1, 3]), [0, 0, all])
}
