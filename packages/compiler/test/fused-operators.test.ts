import type { Attributes } from '@tp/core/expression'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { createModel, createNode, encodeModel, Graph, type Model } from '@tp/onnx'
import { seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { foldBack } from '../src/normalize/fold-back.ts'
import { unfuse } from '../src/normalize/unfuse.ts'
import { Program } from '../src/program/program.ts'
import { difference, float32, int64, numbers, run } from './run.ts'

const [B, N, H, D] = [2, 5, 2, 4]
const normal = seeded(7)

function floats(...dims: number[]): TensorLike {
  return float32(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => normal()),
  )
}

function int32(dims: readonly number[], values: readonly number[]): TensorLike {
  return { type: 'int32', dims, data: Int32Array.from(values) }
}

function bytes(type: 'int8' | 'uint8', ...dims: number[]): TensorLike {
  const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => Math.round(normal() * 30))
  const data = type === 'int8' ? Int8Array.from(values) : Uint8Array.from(values, (value) => value + 128)
  return { type, dims, data }
}

function bool(dims: readonly number[], values: readonly number[]): TensorLike {
  return { type: 'bool', dims, data: Uint8Array.from(values) }
}

interface Case {
  readonly type: string
  readonly domain?: string
  readonly opset?: number
  readonly inputs: readonly (TensorLike | undefined)[]
  readonly attributes?: Attributes
  /** All sizes are numbers. */
  readonly fixed?: boolean
  /** Names of the requested outputs; empty: omitted. */
  readonly outputs?: readonly string[]
}

/** A model of one operator. All inputs are the model's, their first two sizes free where there are two or more. */
function modelOf({
  type,
  domain = 'com.microsoft',
  opset = 17,
  inputs,
  attributes = {},
  fixed = false,
  outputs = ['y'],
}: Case): {
  model: Model
  feeds: NamedTensors
} {
  const model = createModel(opset)
  const graph = new Graph(model)
  graph.importOperators(domain)
  const feeds: Record<string, TensorLike> = {}
  const names = inputs.map((tensor, i) => {
    if (tensor === undefined) return ''
    const name = `x${i}`
    feeds[name] = tensor
    const weight =
      tensor.type !== 'int32' && tensor.type !== 'int64' && tensor.type !== 'bool' && tensor.dims.length < 3
    // Weights are constants, as in files; the rest is fed.
    if (weight) {
      graph.addInitializer(name, tensor)
      delete feeds[name]
    } else {
      const free: Readonly<Record<number, string>> = fixed ? {} : { [N]: 'n', [B]: 'batch' }
      const isFree = (dim: number, axis: number): boolean => axis === 0 || dim === N
      const sizes = tensor.dims.map((dim, axis) => (isFree(dim, axis) ? (free[dim] ?? dim) : dim))
      graph.addInput(name, tensor.type as 'float32', sizes)
    }
    return name
  })
  graph.insert([createNode({ type, domain, name: 'fused', inputs: names, outputs, attributes })])
  for (const name of outputs) if (name !== '') graph.addOutput(name, name === 'count' ? 'int32' : 'float32', [])
  for (const output of model.proto.graph?.output ?? []) {
    if (output.type?.value.case === 'tensorType') delete output.type.value.value.shape
  }
  return { model, feeds }
}

const x = floats(B, N, H * D)
const weight = floats(H * D, 3 * H * D)
const bias = floats(3 * H * D)
const holes = int32([B, N], [1, 1, 0, 1, 1, 1, 1, 1, 0, 0])
const pairs = int32(
  [B, N, N],
  Array.from({ length: B * N * N }, (_, i) => (i % 7 === 3 ? 0 : 1)),
)
const scoresBias = floats(1, H, N, N)
const [query, key, value] = [floats(B, N, H * D), floats(B, N, H * D), floats(B, N, H * D)]
const heads = { num_heads: H }
const perHead = (count: number, tokens = N): TensorLike => floats(B, count, tokens, D)
const positions = int64([B, N], [0, 1, 2, 3, 4, 0, 2, 3, 5, 6])
const [cosines, sines] = [floats(8, D / 2), floats(8, D / 2)]
const [scale, shift, one] = [floats(H * D), floats(H * D), float32([1], [0.03])]
const ids = int32([B, N], [1, 5, 3, 0, 2, 4, 4, 1, 6, 0])
const tables = [floats(8, H * D), floats(6, H * D), floats(2, H * D)]
const segments = int32([B, N], [0, 0, 0, 1, 1, 0, 1, 1, 1, 1])

const fused = (type: string, inputs: Case['inputs'], attributes: Attributes = {}, more: Partial<Case> = {}): Case => ({
  ...{ type, inputs, attributes, ...more },
})
const onnx = (opset: number, ...[type, inputs, attributes, more]: Parameters<typeof fused>): Case =>
  fused(type, inputs, attributes, { domain: '', opset, ...more })

const cases: Record<string, Case> = {
  Attention: fused('Attention', [x, weight, bias], heads),
  'Attention, scaled': fused('Attention', [x, weight, bias], { ...heads, scale: 0.2 }),
  'Attention, counts of tokens': fused('Attention', [x, weight, bias, int32([B], [3, 5])], heads),
  'Attention, ends and starts': fused('Attention', [x, weight, bias, int32([2 * B], [3, 5, 1, 0])], heads, {
    fixed: true,
  }),
  'Attention, a mask': fused('Attention', [x, weight, bias, holes], { ...heads, mask_filter_value: -3.4e38 }),
  'Attention, a mask of pairs': fused('Attention', [x, weight, bias, pairs], heads),
  'Attention, a weak mask': fused('Attention', [x, weight, bias, holes], { ...heads, mask_filter_value: -1 }),
  'Attention, biased scores': fused('Attention', [x, weight, bias, holes, undefined, scoresBias], heads),
  'Attention, one way': fused('Attention', [x, weight, bias], { ...heads, unidirectional: 1 }),
  'Attention, narrow values': fused('Attention', [x, floats(H * D, 20), floats(20)], {
    ...heads,
    qkv_hidden_sizes: [8, 8, 4],
  }),
  MultiHeadAttention: fused('MultiHeadAttention', [query, key, value, bias], heads),
  'MultiHeadAttention without bias': fused('MultiHeadAttention', [query, key, value], heads),
  'MultiHeadAttention, fewer queries': fused(
    'MultiHeadAttention',
    [floats(B, 3, H * D), key, value, bias, int32([B, N], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1])],
    heads,
  ),
  'MultiHeadAttention, counts of tokens': fused(
    'MultiHeadAttention',
    [query, key, value, undefined, int32([B], [4, 2])],
    heads,
  ),
  'MultiHeadAttention, biased scores and keys asked for': fused(
    'MultiHeadAttention',
    [query, key, value, bias, holes, scoresBias],
    heads,
    { outputs: ['y', 'keys', 'values'] },
  ),
  QAttention: fused(
    'QAttention',
    [
      bytes('uint8', B, N, H * D),
      bytes('int8', H * D, 3 * H * D),
      bias,
      float32([], [0.02]),
      float32([], [0.01]),
      holes,
      { type: 'uint8', dims: [], data: Uint8Array.of(120) },
      { type: 'int8', dims: [], data: Int8Array.of(3) },
    ],
    heads,
  ),
  DynamicQuantizeMatMul: fused('DynamicQuantizeMatMul', [x, bytes('int8', H * D, 6), one, undefined, floats(6)]),
  'DynamicQuantizeMatMul, a scale for each column': fused('DynamicQuantizeMatMul', [
    x,
    bytes('int8', H * D, 3),
    float32([3], [0.1, 0.2, 0.3]),
    { type: 'int8', dims: [3], data: Int8Array.of(1, 2, 3) },
  ]),
  MatMulIntegerToFloat: fused('MatMulIntegerToFloat', [
    bytes('uint8', B, N, H * D),
    bytes('int8', H * D, 6),
    one,
    one,
    { type: 'uint8', dims: [1], data: Uint8Array.of(100) },
    undefined,
    floats(6),
  ]),
  FusedMatMul: fused('FusedMatMul', [perHead(H), perHead(H)], { alpha: 0.5, transB: 1 }),
  'FusedMatMul of weights, every operand turned': fused(
    'FusedMatMul',
    [x, floats(6, N)],
    { alpha: 1, transA: 1, transB: 1 },
    { fixed: true },
  ),
  'FusedMatMul, the batch inside': fused(
    'FusedMatMul',
    [floats(N, B, D), floats(D, B, N)],
    { alpha: 2, transBatchA: 1, transA: 1, transBatchB: 1, transB: 1 },
    { fixed: true },
  ),
  Sum: onnx(17, 'Sum', [x, query, key]),
  SkipLayerNormalization: fused(
    'SkipLayerNormalization',
    [x, query, scale, shift, floats(H * D)],
    { epsilon: 1e-3 },
    { outputs: ['y', '', '', 'sum'] },
  ),
  'SkipLayerNormalization at an old opset': fused(
    'SkipLayerNormalization',
    [x, query, scale, shift],
    { epsilon: 1e-5 },
    { opset: 12 },
  ),
  SkipSimplifiedLayerNormalization: fused(
    'SkipSimplifiedLayerNormalization',
    [x, query, scale, floats(H * D)],
    { epsilon: 1e-3 },
    { outputs: ['y', '', '', 'sum'] },
  ),
  EmbedLayerNormalization: fused(
    'EmbedLayerNormalization',
    [ids, segments, ...tables, scale, shift, holes],
    { epsilon: 1e-5 },
    { outputs: ['y', 'count', 'sum'] },
  ),
  'EmbedLayerNormalization without segments, at given places': fused(
    'EmbedLayerNormalization',
    [
      ids,
      undefined,
      tables[0],
      tables[1],
      undefined,
      scale,
      shift,
      undefined,
      int32([B, N], [4, 3, 2, 1, 0, 1, 1, 2, 2, 3]),
    ],
    { epsilon: 1e-5 },
    { outputs: ['y', 'count'] },
  ),
  QEmbedLayerNormalization: fused(
    'QEmbedLayerNormalization',
    [
      ...[ids, segments, bytes('uint8', 8, H * D), bytes('uint8', 6, H * D), bytes('uint8', 2, H * D)],
      ...[bytes('uint8', H * D), bytes('uint8', H * D), holes],
      ...[0.02, 0.03, 0.01, 0.02, 0.01].map((step) => float32([], [step])),
      ...[120, 100, 130, 90, 128].map((zero): TensorLike => ({ type: 'uint8', dims: [], data: Uint8Array.of(zero) })),
    ],
    { epsilon: 1e-5 },
    { outputs: ['y', 'count'] },
  ),
  'RotaryEmbedding, heads inside': fused('RotaryEmbedding', [x, positions, cosines, sines]),
  'RotaryEmbedding, interleaved': fused('RotaryEmbedding', [perHead(H), positions, cosines, sines], { interleaved: 1 }),
  'RotaryEmbedding of a part': fused('RotaryEmbedding', [x, positions, floats(8, 1), floats(8, 1)], {
    rotary_embedding_dim: 2,
    num_heads: H,
  }),
  "ONNX's RotaryEmbedding": onnx(23, 'RotaryEmbedding', [perHead(H), cosines, sines, positions]),
  "ONNX's RotaryEmbedding with rows of tables": onnx(
    23,
    'RotaryEmbedding',
    [x, floats(B, N, D / 2), floats(B, N, D / 2)],
    { num_heads: H, interleaved: 1 },
  ),
  "ONNX's Attention": onnx(23, 'Attention', [perHead(H), perHead(H), perHead(H)]),
  "ONNX's Attention, fewer heads for keys, capped": onnx(
    23,
    'Attention',
    [perHead(4), perHead(H), perHead(H), scoresBiasOf(4)],
    { softcap: 2, scale: 0.7 },
  ),
  "ONNX's Attention, heads inside, a mask that chooses": onnx(
    23,
    'Attention',
    [
      query,
      key,
      value,
      bool(
        [N, N],
        Array.from({ length: N * N }, (_, i) => (i % 4 === 1 ? 0 : 1)),
      ),
    ],
    { q_num_heads: H, kv_num_heads: H },
  ),
  "ONNX's Attention, one way, probabilities asked for": onnx(
    23,
    'Attention',
    [query, key, value],
    { q_num_heads: H, kv_num_heads: H, is_causal: 1, qk_matmul_output_mode: 3 },
    { outputs: ['y', '', '', 'probabilities'] },
  ),
  "ONNX's Attention, real keys": onnx(24, 'Attention', [
    perHead(H),
    perHead(H),
    perHead(H),
    undefined,
    undefined,
    undefined,
    int64([B], [3, 5]),
  ]),
}

function scoresBiasOf(count: number): TensorLike {
  return floats(B, count, N, N)
}

describe.each(Object.entries(cases))('%s', (_, own) => {
  const { model, feeds } = modelOf(own)
  const bytesBefore = encodeModel(model)

  test('means what is written out', async () => {
    const expected = await run(bytesBefore, feeds)
    const plain = modelOf(own).model
    const expansions = unfuse(new Program(plain))
    expect(expansions?.map(({ node }) => node.opType)).toEqual([own.type])
    const types = new Graph(plain).nodes.map(({ domain, opType }) => `${domain}.${opType}`)
    expect(types).not.toContain(`${own.domain ?? 'com.microsoft'}.${own.type}`)
    const results = await run(plain, feeds)
    for (const [name, tensor] of Object.entries(expected)) {
      expect(results[name]?.dims).toEqual(tensor.dims)
      expect(difference(numbers(results[name]), numbers(tensor)), name).toBeLessThan(1e-5)
    }
  })

  test('writes the operator out and fuses it back', () => {
    const copy = modelOf(own).model
    const program = new Program(copy)
    const expansions = unfuse(program) ?? []
    program.refresh()
    foldBack(program, expansions)
    expect(copy.proto.graph?.node).toEqual(model.proto.graph?.node)
    expect(copy.proto.graph?.initializer).toEqual(model.proto.graph?.initializer)
  })
})
