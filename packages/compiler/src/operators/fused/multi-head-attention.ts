import { add, slice, type Tensor } from '@tp/core'
import { attend, isPerHead, mergeHeads, splitHeads } from './attend.ts'
import { causalBias } from './causal.ts'
import { forEveryQuery } from './for-every-query.ts'
import { type Exposed, lowestOf, type Meaning, numberOf } from './fused-operator.ts'
import { paddingBias } from './padding.ts'

/**
 * com.microsoft.MultiHeadAttention: query [b,q,h·d], key [b,k,h·d], value [b,k,h·e], or key and value with an axis for
 * heads; bias of all three in one; mask of the keys; bias of the scores. Earlier keys and packed inputs are not handled.
 */
export const multiHeadAttention: Meaning = (node) => {
  const { inputs, attributes } = node
  const [query, key, value, bias, mask, scoresBias, ...past] = inputs
  const heads = numberOf(attributes, 'num_heads', 0)
  if (query === undefined || key === undefined || value === undefined || heads === 0) return undefined
  if (past.some((input) => input !== undefined)) return undefined
  if (query.rank !== 3 || key.rank !== value.rank || key.rank < 3 || key.rank > 4) return undefined
  if (key.rank === 4 && bias !== undefined) return undefined
  const { dtype } = query
  const width = query.dims[2]
  if (typeof width !== 'number') return undefined

  let start = 0
  const biased = (x: Tensor): Tensor | undefined => {
    if (bias === undefined) return x
    const size = x.dims[2]
    if (typeof size !== 'number') return undefined
    const from = start
    start += size
    return add(x, slice(bias, { axis: 0, start: from, end: start }))
  }
  const [q, k, v] = [query, key, value].map((x) => {
    const y = biased(x)
    return y?.rank === 3 ? splitHeads(y, heads) : y
  })
  if (q === undefined || k === undefined || v === undefined) return undefined
  const hidden = Math.max(lowestOf(dtype), numberOf(attributes, 'mask_filter_value', -10000))
  const biases: Tensor[] = []
  if (scoresBias !== undefined && !isPerHead(scoresBias, heads)) return undefined
  if (scoresBias !== undefined) biases.push(scoresBias)
  if (numberOf(attributes, 'unidirectional', 0) === 1)
    biases.push(causalBias(node, { queries: query, keys: key, dtype, hidden }))
  if (mask !== undefined) {
    // A key with an axis for heads has its tokens on another one.
    const padding = key.rank === 3 ? paddingBias(node, { input: 4, keys: key, dtype, hidden }) : undefined
    if (padding === undefined) return undefined
    biases.push(padding)
  }
  const scale = numberOf(attributes, 'scale', 0) || 1 / Math.sqrt(width / heads)
  const { context, scores } = attend({ query: q, key: k, value: v, scale, biases })
  return {
    outputs: [mergeHeads(context), k, v],
    exposed: keysAndValues(k, v),
    rowwise: [{ value: q, input: 0 }],
    scores: { value: scores, input: 5 },
    fitted: forEveryQuery(5, 1),
  }
}

/** Outputs 1 and 2 are the keys and values [b,h,n,d]; they are requested together. */
export function keysAndValues(key: Tensor, value: Tensor): Exposed[] {
  return [key, value].map((part, i) => ({ value: part, output: i + 1, outputs: 3 }))
}
