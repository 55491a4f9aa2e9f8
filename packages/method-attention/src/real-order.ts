import { axisSize, cast, cumSum, type Site, sub, type Tensor, topK, where } from '@tp/core'

/** Larger than the number of any token. */
const AFTER_REAL = 1e30

/** int64 [B,N] positions of the real tokens in their order, those of padding, which may stand anywhere, after them. */
export function realFirst({ attended, index }: Pick<Site, 'attended' | 'index'>): Tensor {
  return topK(where(attended, index, AFTER_REAL), axisSize(index, 1), { axis: 1, largest: false }).indices
}

/** float [B,N] which of the real tokens each one is, from 0; one row for all examples in a model without padding. */
export function ordinalsOf({ attended }: Pick<Site, 'attended'>): Tensor {
  return sub(cumSum(cast(attended, 'float32'), 1), 1)
}
