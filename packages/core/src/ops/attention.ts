import { sizeOf } from '../array.ts'
import { addDims, type Dim, divideExactly, mulDims, unknownDim } from '../expression/dim.ts'
import type { Attributes, KernelContext, Op, OutputInfo, Value } from '../expression/tensor.ts'
import { at, mapped } from './kernels.ts'
import { intOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { Softmax } from './softmax.ts'
import { broadcastWalk } from './strides.ts'

/**
 * ONNX's own attention (opset 23): query, key, value as [b, h, n, d] or, with q_num_heads and kv_num_heads, as [b, n, h·d].
 * Outputs: result, present key and value, and the scores or probabilities [b, h, queries, keys].
 */
export const Attention: Op = {
  name: 'Attention',
  since: 23,
  infer(inputs, attributes) {
    const query = operand(inputs, 0)
    const { dtype } = query
    const [q, k, v] = [query, operand(inputs, 1), operand(inputs, 2)].map(dimsOf)
    const none: OutputInfo = { dtype, dims: undefined }
    if (q === undefined || k === undefined || v === undefined) return [none, none, none, none]
    const groups = intOf(attributes, 'kv_num_heads', 0)
    const [batch, heads, queries] = perHead(q, intOf(attributes, 'q_num_heads', 0))
    const keys = perHead(k, groups)
    const values = perHead(v, groups)
    const past = inputs[4] === undefined ? 0 : (dimsOf(inputs[4])?.[2] ?? unknownDim())
    const total = addDims(keys[2], past)
    const width = values[3]
    const result = q.length === 4 ? [batch, heads, queries, width] : [batch, queries, mulDims(width, heads)]
    return [
      { dtype, dims: result },
      { dtype, dims: [keys[0], keys[1], total, keys[3]] },
      { dtype, dims: [values[0], values[1], total, width] },
      { dtype, dims: [batch, heads, queries, total] },
    ]
  },
  run(inputs, attributes, context) {
    const flat = at(inputs, 0).dims.length === 3
    const groups = intOf(attributes, 'kv_num_heads', 0)
    const query = headsFirst(at(inputs, 0), intOf(attributes, 'q_num_heads', 0), context)
    const key = joined(inputs[4], headsFirst(at(inputs, 1), groups, context), context)
    const value = joined(inputs[5], headsFirst(at(inputs, 2), groups, context), context)
    const past = inputs[4]?.dims[2] ?? 0
    const { scores, shown } = scoresOf(query, key, inputs[3], past, attributes, context)
    const [probabilities] = Softmax.run([scores], { axis: -1 }, context) as [Value]
    const [batch, heads, queries] = query.dims as [number, number, number]
    const width = value.dims[3] as number
    const keys = key.dims[2] as number
    const share = heads / (key.dims[1] as number)
    const result = context.zeros(query.dtype, flat ? [batch, queries, heads * width] : [batch, heads, queries, width])
    for (let row = 0; row < batch * heads * queries; row++) {
      const i = row % queries
      const head = Math.floor(row / queries) % heads
      const b = Math.floor(row / queries / heads)
      const from = Math.floor((b * heads + head) / share) * keys * width
      const to = flat ? ((b * queries + i) * heads + head) * width : row * width
      for (let d = 0; d < width; d++) {
        let sum = 0
        for (let j = 0; j < keys; j++) {
          sum += (probabilities.data[row * keys + j] as number) * (value.data[from + j * width + d] as number)
        }
        result.data[to + d] = sum
      }
    }
    return [result, key, value, shown ?? probabilities]
  },
}

function perHead(dims: readonly Dim[], heads: number): readonly [Dim, Dim, Dim, Dim] {
  if (dims.length === 4) return dims as readonly [Dim, Dim, Dim, Dim]
  const [batch, tokens, hidden] = dims as readonly [Dim, Dim, Dim]
  return [batch, heads, tokens, divideExactly(hidden, heads) ?? unknownDim()]
}

/** [b, n, h·d] as [b, h, n, d]. */
function headsFirst(x: Value, heads: number, context: KernelContext): Value {
  if (x.dims.length === 4) return x
  const [batch, tokens, hidden] = x.dims as [number, number, number]
  const width = hidden / heads
  const result = context.zeros(x.dtype, [batch, heads, tokens, width])
  for (let row = 0; row < batch * tokens * heads; row++) {
    const head = row % heads
    const token = Math.floor(row / heads) % tokens
    const b = Math.floor(row / heads / tokens)
    const to = ((b * heads + head) * tokens + token) * width
    result.data.set(x.data.subarray(row * width, (row + 1) * width), to)
  }
  return result
}

/** Earlier tokens, before the present ones. */
function joined(past: Value | undefined, x: Value, context: KernelContext): Value {
  if (past === undefined) return x
  const [batch, heads, tokens, width] = x.dims as [number, number, number, number]
  const before = past.dims[2] as number
  const result = context.zeros(x.dtype, [batch, heads, before + tokens, width])
  for (let row = 0; row < batch * heads; row++) {
    const start = row * (before + tokens) * width
    result.data.set(past.data.subarray(row * before * width, (row + 1) * before * width), start)
    result.data.set(x.data.subarray(row * tokens * width, (row + 1) * tokens * width), start + before * width)
  }
  return result
}

/** The input of softmax, and the stage that output 3 shows; undefined where that is the probabilities. */
function scoresOf(
  query: Value,
  key: Value,
  mask: Value | undefined,
  past: number,
  attributes: Attributes,
  context: KernelContext,
): { scores: Value; shown: Value | undefined } {
  const [batch, heads, queries, width] = query.dims as [number, number, number, number]
  const keys = key.dims[2] as number
  const share = heads / (key.dims[1] as number)
  const scale = intOf(attributes, 'scale', 1 / Math.sqrt(width))
  const dims = [batch, heads, queries, keys]
  const products = context.zeros(query.dtype, dims)
  for (let i = 0; i < sizeOf(dims); i++) {
    const row = Math.floor(i / keys)
    const from = (Math.floor(Math.floor(row / queries) / share) * keys + (i % keys)) * width
    let sum = 0
    for (let d = 0; d < width; d++) sum += (query.data[row * width + d] as number) * (key.data[from + d] as number)
    products.data[i] = sum * scale
  }
  const cap = intOf(attributes, 'softcap', 0)
  const capped = cap === 0 ? products : mapped(products, products.dtype, (x) => cap * Math.tanh(x / cap), context)
  const causal = intOf(attributes, 'is_causal', 0) === 1
  const places = mask && broadcastWalk(mask.dims, dims)
  const masked = context.zeros(query.dtype, dims)
  for (let i = 0; i < masked.data.length; i++) {
    const hidden = causal && i % keys > (Math.floor(i / keys) % queries) + past
    const bias = mask === undefined || places === undefined ? 0 : (mask.data[places[i] as number] as number)
    const added = mask?.dtype === 'bool' ? (bias === 0 ? Number.NEGATIVE_INFINITY : 0) : bias
    masked.data[i] = hidden ? Number.NEGATIVE_INFINITY : (capped.data[i] as number) + added
  }
  const mode = intOf(attributes, 'qk_matmul_output_mode', 0)
  return { scores: masked, shown: [products, capped, masked][mode] }
}
