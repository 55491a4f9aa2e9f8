import { type Dim, divideExactly, mulDims, unknownDim } from '../expression/dim.ts'
import type { Attributes, Op, OutputInfo, Tensor } from '../expression/tensor.ts'
import { define } from './microsoft-op.ts'
import { intOf, operand } from './operands.ts'
import { dimsOf, sameDim } from './sizes.ts'

/** Projection to Q, K, V in one weight [D, 3·D] and attention, [b, n, D] → [b, n, D]; keys and values [2, b, h, n, d]. */
const Attention = define('Attention', (inputs, attributes) => {
  const x = operand(inputs, 0)
  if (inputs[4] === undefined) sameTokens(x, inputs[3], inputs[5])
  return projectedAttention(x, operand(inputs, 1), attributes, x.dtype)
})

/** The same from 8-bit x and weight, with their scales. */
const QAttention = define('QAttention', (inputs, attributes) => {
  const { dtype } = operand(inputs, 3)
  if (inputs[8] === undefined) sameTokens(operand(inputs, 0), inputs[5])
  return projectedAttention(operand(inputs, 0), operand(inputs, 1), attributes, dtype)
})

function projectedAttention(x: Tensor, weight: Tensor, attributes: Attributes, dtype: Tensor['dtype']): OutputInfo[] {
  const dims = dimsOf(x)
  const widths = attributes.qkv_hidden_sizes as readonly number[] | undefined
  const columns = dimsOf(weight)?.[1]
  const third = columns === undefined ? undefined : divideExactly(columns, 3)
  const width = widths?.[2] ?? third
  const heads = intOf(attributes, 'num_heads', 1)
  const size = width === undefined ? undefined : divideExactly(width, heads)
  const known = dims?.length === 3 && width !== undefined
  const [batch, tokens] = (dims ?? []) as [Dim, Dim]
  return [
    { dtype, dims: known ? [batch, tokens, width] : undefined },
    { dtype, dims: known ? [2, batch, heads, tokens, size ?? unknownDim()] : undefined },
  ]
}

/** Attention of query [b, n, D], key and value; also packed in one tensor of five axes. */
const MultiHeadAttention = define('MultiHeadAttention', (inputs, attributes) => {
  const query = operand(inputs, 0)
  const { dtype } = query
  const q = dimsOf(query)
  const heads = intOf(attributes, 'num_heads', 1)
  const [key, value] = [inputs[1], inputs[2]].map((x) => x && dimsOf(x))
  if (inputs[1] !== undefined && inputs[6] === undefined) sameTokens(inputs[1], inputs[4], inputs[5])
  const width = value?.length === 3 ? value[2] : q?.[2]
  const dims = q?.length === 3 && width !== undefined ? q.with(-1, width) : undefined
  const perHead = (x: readonly Dim[] | undefined): OutputInfo => {
    const [batch, tokens, size] = (x ?? []) as [Dim, Dim, Dim]
    const known = x?.length === 3 && inputs[6] === undefined
    return { dtype, dims: known ? [batch, heads, tokens, divideExactly(size, heads) ?? unknownDim()] : undefined }
  }
  return [{ dtype, dims }, perHead(key), perHead(value), { dtype, dims: undefined }]
})

/**
 * The last axis of a mask [b, n] or [b, q, n], and of a bias of the scores [b, h, q, n], has the size of the tokens of the keys [b, n, D]: exporters
 * may name the two differently. A mask of four axes may be longer.
 */
function sameTokens(keys: Tensor, mask: Tensor | undefined, bias?: Tensor): void {
  const tokens = dimsOf(keys)
  if (tokens?.length !== 3) return
  const [masked, biased] = [mask, bias].map((own) => (own && dimsOf(own)) ?? [])
  const known = [masked?.length === 2 || masked?.length === 3 ? masked : [], biased?.length === 4 ? biased : []]
  for (const dims of known) if (dims.length > 0) sameDim(tokens[1] as Dim, dims.at(-1) as Dim)
}

/** Positions turned into x [b, n, h·d] or [b, h, n, d]. */
const RotaryEmbedding = define('RotaryEmbedding', (inputs) => {
  const x = operand(inputs, 0)
  return [{ dtype: x.dtype, dims: dimsOf(x) }]
})

/**
 * Attention of decoders. Where query, key and value are inputs of their own, the result has the shape of the query; where they
 * are one, [b, n, (h + 2·g)·d], it is [b, n, h·d].
 */
const decoderOps = ['DecoderMaskedMultiHeadAttention', 'SparseAttention'].map((name) =>
  define(name, (inputs, attributes) => {
    const unknown: OutputInfo = { dtype: operand(inputs, 0).dtype, dims: undefined }
    return [decoderAttention(inputs, attributes), unknown, unknown, unknown]
  }),
)

/** The same with caches [b, g, p, d] of keys and values, which it returns with the new tokens. */
const GroupQueryAttention = define('GroupQueryAttention', (inputs, attributes) => {
  const result = decoderAttention(inputs, attributes)
  const [batch, , width] = result.dims ?? []
  const size = width === undefined ? undefined : divideExactly(width, intOf(attributes, 'num_heads', 1))
  const groups = intOf(attributes, 'kv_num_heads', 0)
  const dims = batch === undefined || size === undefined ? undefined : [batch, groups, unknownDim(), size]
  const present: OutputInfo = { dtype: inputs[3]?.dtype ?? result.dtype, dims }
  return [result, present, present]
})

function decoderAttention(inputs: readonly (Tensor | undefined)[], attributes: Attributes): OutputInfo {
  const query = operand(inputs, 0)
  const isApart = inputs[1] !== undefined && inputs[2] !== undefined
  return { dtype: query.dtype, dims: isApart ? dimsOf(query) : unpacked(query, attributes) }
}

function unpacked(packed: Tensor, attributes: Attributes): readonly Dim[] | undefined {
  const dims = dimsOf(packed)
  const [heads, groups] = [intOf(attributes, 'num_heads', 0), intOf(attributes, 'kv_num_heads', 0)]
  const size = dims?.length === 3 && groups > 0 ? divideExactly(dims[2] as Dim, heads + 2 * groups) : undefined
  return size === undefined ? undefined : dims?.with(-1, mulDims(size, heads))
}

export const microsoftAttentionOps: readonly Op[] = [
  Attention,
  MultiHeadAttention,
  QAttention,
  RotaryEmbedding,
  GroupQueryAttention,
  ...decoderOps,
]
