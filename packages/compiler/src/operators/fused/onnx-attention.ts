import {
  add,
  axisSize,
  cast,
  constant,
  type DType,
  div,
  expand,
  less,
  matmul,
  mul,
  range,
  reshape,
  softmax,
  squeeze,
  swapLast,
  type Tensor,
  tanh,
  unsqueeze,
  where,
} from '@tp/core'
import { mergeHeads, splitHeads } from './attend.ts'
import { causalBias } from './causal.ts'
import { forEveryQuery } from './for-every-query.ts'
import { type FusedNode, lowestOf, type Meaning, numberOf, type Restored } from './fused-operator.ts'
import { keysAndValues } from './multi-head-attention.ts'

/**
 * ONNX's own Attention (opset 23): query, key and value as [b,h,n,d] or [b,n,h·d], fewer heads for keys than for
 * queries, a mask that is added (floats) or chosen by (bool), and from opset 24 on the number of keys that are real.
 * Further outputs: the keys, the values, and the scores at one of four stages. Earlier keys are not handled.
 */
export const onnxAttention: Meaning = (node) => {
  const { inputs, attributes } = node
  const [query, key, value, mask, pastKey, pastValue, attendedKeys] = inputs
  if (query === undefined || key === undefined || value === undefined) return undefined
  if (pastKey !== undefined || pastValue !== undefined) return undefined
  const groups = numberOf(attributes, 'kv_num_heads', 0)
  const q = withHeads(query, numberOf(attributes, 'q_num_heads', 0))
  const [k, v] = [withHeads(key, groups), withHeads(value, groups)]
  const width = q?.dims[3]
  if (q === undefined || k === undefined || v === undefined || typeof width !== 'number') return undefined
  const [allKeys, allValues] = [repeated(k, q), repeated(v, q)]
  if (allKeys === undefined || allValues === undefined) return undefined

  const scale = numberOf(attributes, 'scale', 1 / Math.sqrt(width))
  const products = mul(matmul(q, swapLast(allKeys)), scale)
  const cap = numberOf(attributes, 'softcap', 0)
  const capped = cap === 0 ? products : mul(tanh(div(products, cap)), cap)
  const masked = withMasks(node, { scores: capped, query, key, mask, attendedKeys })
  if (masked === undefined) return undefined
  const precision = precisions[numberOf(attributes, 'softmax_precision', 0)]
  const scores = cast(masked, precision ?? masked.dtype)
  const probabilities = cast(softmax(scores), masked.dtype)
  const context = matmul(probabilities, allValues)
  const stages = [products, capped, masked, probabilities]
  const shown = stages[numberOf(attributes, 'qk_matmul_output_mode', 0)]
  const outputs = [query.rank === 3 ? mergeHeads(context) : context, k, v, shown]
  return {
    outputs,
    exposed: keysAndValues(k, v),
    ...(query.rank === 3 && { rowwise: [{ value: q, input: 0 }] }),
    // The number of real keys would need a mask of its own, and scores that are returned are those without a sum.
    ...(attendedKeys === undefined &&
      !node.isUsed(3) &&
      scores.dtype === query.dtype && { scores: { value: scores, input: 3 } }),
    fitted: forEveryQuery(3, 1),
  }
}

/** Types in which the softmax may be requested, by their numbers in ONNX. */
const precisions: Readonly<Record<number, DType>> = { 1: 'float32', 10: 'float16', 11: 'float64' }

function withHeads(x: Tensor, heads: number): Tensor | undefined {
  if (x.rank === 4) return x
  return x.rank === 3 && heads > 0 ? splitHeads(x, heads) : undefined
}

/** Keys or values [b,g,k,d] for each head of the query: [b,h,k,d], every one of them h/g times. */
function repeated(x: Tensor, query: Tensor): Tensor | undefined {
  const [heads, groups, width] = [query.dims[1], x.dims[1], x.dims[3]]
  if (heads === groups) return x
  if (typeof heads !== 'number' || typeof groups !== 'number' || typeof width !== 'number') return undefined
  return reshape(expand(unsqueeze(x, 2), [1, 1, heads / groups, 1, 1]), [0, heads, -1, width])
}

interface Masked {
  readonly scores: Tensor
  readonly query: Tensor
  readonly key: Tensor
  readonly mask: Tensor | undefined
  readonly attendedKeys: Tensor | undefined
}

function withMasks(node: FusedNode, { scores, query, key, mask, attendedKeys }: Masked): Tensor | undefined {
  let masked = scores
  const { dtype } = scores
  const lowest = lowestOf(dtype)
  if (numberOf(node.attributes, 'is_causal', 0) === 1)
    masked = add(masked, causalBias(node, { queries: query, keys: key, dtype, hidden: lowest }))
  if (mask !== undefined) {
    if (!mask.hasShape || (mask.dims.at(-1) !== 1 && mask.dims.at(-1) !== scores.dims[3])) return undefined
    masked = mask.dtype === 'bool' ? where(mask, masked, lowest) : add(masked, mask)
  }
  if (attendedKeys === undefined) return masked
  const positions = unsqueeze(range(0, squeeze(axisSize(key, key.rank - 2), [0])), 0)
  const source = `${node.names[6]} of ${key.dims.at(-2)} keys`
  const attended = node.shared(source, less(positions, unsqueeze(attendedKeys, 1)), () => undefined)
  const bias = where(unsqueeze(attended, [1, 2]), constant(0, dtype), constant(lowest, dtype))
  // Once tokens are pruned their number says nothing; a mask does.
  const restored: Restored = (now) => (mask === undefined ? { 3: now, 6: undefined } : undefined)
  return add(masked, node.shared(`${source} hidden in ${dtype}`, bias, restored))
}
