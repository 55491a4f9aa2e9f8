import { add, concat, matmul, slice, type Tensor, unsqueeze } from '@tp/core'
import { attend, isPerHead, mergeHeads, splitHeads } from './attend.ts'
import { causalBias } from './causal.ts'
import { forEveryQuery } from './for-every-query.ts'
import { type Exposed, type FusedNode, lowestOf, type Meaning, type Meant, numberOf } from './fused-operator.ts'
import { paddingBias } from './padding.ts'

/** The attention after the projections to Q, K and V. */
export interface Projected {
  readonly query: Tensor
  readonly key: Tensor
  readonly value: Tensor
  /** Which input is the mask, the earlier keys, and the bias of the scores. */
  readonly positions: { readonly mask: number; readonly past: number; readonly bias?: number }
}

/**
 * com.microsoft.Attention: x [b,n,D], weight [D,3·h·d] (columns Q|K|V), bias, mask, past, bias of the scores.
 * Written with one product for each of Q, K and V, so that tokens can be pruned in one of them alone.
 */
export const attention: Meaning = (node) => {
  const [x, weight, bias] = node.inputs
  const parts = x && weight && projectionParts(node, weight)
  if (x === undefined || weight === undefined || parts === undefined) return undefined
  const [query, key, value] = parts.map(([start, end]) => {
    const product = matmul(x, slice(weight, { axis: 1, start, end }))
    return bias === undefined ? product : add(product, slice(bias, { axis: 0, start, end }))
  }) as [Tensor, Tensor, Tensor]
  return attendProjected(node, { query, key, value, positions: { mask: 3, past: 4, bias: 5 } })
}

/** The columns of Q, K and V in their common weight [D,·]. */
export function projectionParts(node: FusedNode, weight: Tensor): [start: number, end: number][] | undefined {
  const columns = weight.dims[1]
  const widths =
    (node.attributes.qkv_hidden_sizes as readonly number[] | undefined) ??
    (typeof columns === 'number' ? [columns / 3, columns / 3, columns / 3] : undefined)
  if (widths === undefined || !widths.every(Number.isInteger)) return undefined
  return widths.map((width, i) => {
    const start = widths.slice(0, i).reduce((a, b) => a + b, 0)
    return [start, start + width]
  })
}

/** Attention of Q, K and V [b,n,h·d] as com.microsoft.Attention and its 8-bit form have it. */
export function attendProjected(node: FusedNode, { query, key, value, positions }: Projected): Meant | undefined {
  const { attributes, inputs } = node
  const [x] = inputs as [Tensor]
  const { dtype } = query
  const heads = numberOf(attributes, 'num_heads', 0)
  const width = query.dims[2]
  const scoresBias = positions.bias === undefined ? undefined : inputs[positions.bias]
  const isDecoder = inputs[positions.past] !== undefined || numberOf(attributes, 'do_rotary', 0) === 1
  if (heads === 0 || typeof width !== 'number' || isDecoder) return undefined
  const hidden = Math.max(lowestOf(dtype), numberOf(attributes, 'mask_filter_value', -10000))
  const biases: Tensor[] = []
  if (scoresBias !== undefined && !isPerHead(scoresBias, heads)) return undefined
  if (scoresBias !== undefined) biases.push(scoresBias)
  if (numberOf(attributes, 'unidirectional', 0) === 1)
    biases.push(causalBias(node, { queries: x, keys: x, dtype, hidden }))
  if (inputs[positions.mask] !== undefined) {
    const bias = paddingBias(node, { input: positions.mask, keys: x, dtype, hidden })
    if (bias === undefined) return undefined
    biases.push(bias)
  }
  const scale = numberOf(attributes, 'scale', 0) || 1 / Math.sqrt(width / heads)
  const [q, k, v] = [query, key, value].map((x) => splitHeads(x, heads)) as [Tensor, Tensor, Tensor]
  const exposed = [k, v].map((part, i): Exposed => ({ value: part, output: 1, outputs: 2, part: i }))
  const { context, scores } = attend({ query: q, key: k, value: v, scale, biases })
  // Keys and values come as one tensor, so they have to be of one shape.
  const areAlike = k.dims[3] === v.dims[3]
  const both = areAlike ? concat([unsqueeze(k, [0]), unsqueeze(v, [0])], 0) : undefined
  return {
    outputs: [mergeHeads(context), both],
    ...(areAlike && { exposed }),
    rowwise: [{ value: q, input: 0 }],
    ...(positions.bias !== undefined && {
      scores: { value: scores, input: positions.bias },
      fitted: forEveryQuery(positions.bias, 0),
    }),
  }
}
