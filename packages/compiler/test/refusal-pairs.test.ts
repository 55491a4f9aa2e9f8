import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  add,
  axisSize,
  concat,
  constant,
  expand,
  gather,
  gatherND,
  input,
  matmul,
  mean,
  mul,
  reshape,
  scatterND,
  schedule,
  slice,
  softmax,
  swapLast,
  type Tensor,
  topK,
  transpose,
  unsqueeze,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { createModel, createNode, decodeModel, emitModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform, whyRefused } from '../src/index.ts'
import { saysWhatIsPruned } from '../src/transforms/conditions.ts'
import type { Subject } from '../src/transforms/transform.ts'
import { passThroughIf } from './bodies.ts'
import { logitsOf, plainEncoder, statesOf, type TestEncoderOptions, VOCABULARY } from './encoders.ts'

/** A model that is refused with a code, and one that looks alike and is pruned. */
interface Pair {
  readonly what: string
  readonly refused: () => unknown
  readonly passes: () => unknown
}

/** Where both stand, for what other transforms refuse; or why nothing looks like it. */
type Elsewhere = { readonly tests: string } | { readonly none: string; readonly refused: () => unknown }

const [HIDDEN, TOKENS] = [8, 16]

const weights = (...dims: number[]): Tensor => {
  const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => 0.5 * Math.sin(i))
  return constant(values, 'float32', dims)
}

const half = (model: Model, layers: readonly number[] = [0]): Model => {
  const options = { method: receivedAttention(), schedule: schedule(2, { layers: [...layers], keep: 0.5 }) }
  return transform(model, prune(options)).model
}

const encoded = (options: Partial<TestEncoderOptions>): Model =>
  decodeModel(emitModel({ logits: logitsOf({ ...plainEncoder, mask: 'none', ...options }) }))

const byEncoder = (what: string, refused: Partial<TestEncoderOptions>, passes: Partial<TestEncoderOptions>): Pair => ({
  what,
  refused: () => half(encoded(refused)),
  passes: () => half(encoded(passes)),
})

/** Of two layers over 16 tokens, whose queries and keys come from what is made of the tokens; `between` them tokens may be changed. */
function layered(
  queries: (x: Tensor) => Tensor,
  keys: (x: Tensor) => Tensor,
  { after = (x: Tensor) => x, between = (x: Tensor) => x } = {},
): Model {
  let x = gather(weights(30, HIDDEN), input('input_ids', 'int64', ['batch', TOKENS]), 0)
  for (const layer of [0, 1]) {
    const [q, k] = [matmul(queries(x), weights(HIDDEN, HIDDEN)), matmul(keys(x), weights(HIDDEN, HIDDEN))]
    x = add(x, after(matmul(softmax(matmul(q, swapLast(k))), matmul(keys(x), weights(HIDDEN, HIDDEN)))))
    x = add(x, matmul(x, weights(HIDDEN, HIDDEN)))
    if (layer === 0) x = between(x)
  }
  return decodeModel(emitModel({ logits: mean(x, 1) }))
}

const same = (x: Tensor): Tensor => x
const pooled = (x: Tensor): Tensor => {
  const grid = reshape(transpose(x, [0, 2, 1]), [-1, HIDDEN, 4, 4])
  const window = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] }
  return transpose(reshape(applyOne(operators.get('AveragePool') as Op, [grid], window), [-1, HIDDEN, 4]), [0, 2, 1])
}
const learned = (x: Tensor): Tensor => concat([expand(weights(1, 1, HIDDEN), [axisSize(x, 0), 1, HIDDEN]), x], 1)

/** Which examples of a batch are of a language. */
const texts = input('texts', 'int64', ['count', 1])

const kinds = input('kinds', 'int64', ['batch', 'sequence'])
const fromTable =
  (values: readonly number[], scale = 1) =>
  (scores: Tensor): Tensor => {
    const marks = gather(constant(values, 'float32', [values.length]), kinds, 0)
    return add(scores, unsqueeze(scale === 1 ? marks : mul(marks, scale), [1, 2]))
  }
const sinks = (x: Tensor): Tensor => expand(weights(1, 2, 1, 1), [axisSize(x, 0), 2, axisSize(x, 2), 1])

/** Before the layers of an encoder tokens attend inside chunks; to these all tokens are added, of which the chunks are only known to be parts. */
function chunkedModel(): Model {
  const attend = (x: Tensor): Tensor => matmul(softmax(matmul(x, swapLast(x))), x)
  const chunks = (x: Tensor): Tensor[] => [
    slice(x, { axis: 1, start: 0, end: 4 }),
    slice(x, { axis: 1, start: 4, end: 8 }),
    slice(x, { axis: 1, start: 8 }),
  ]
  const model = encoded({ start: (x) => add(concat(chunks(x).map(attend), 1), concat(chunks(x), 1)) })
  const graph = new Graph(model)
  const isJoined = (name: string): boolean => graph.producer(name)?.input.length === 3
  const sum = graph.nodes.find(({ opType, input }) => opType === 'Add' && input.every(isJoined))
  const [, whole] = sum?.input ?? []
  const tokens = graph.producer(graph.producer(whole as string)?.input[0] as string)?.input[0]
  graph.replaceInput(sum as NodeProto, 1, tokens as string)
  return model
}

/** A model whose graph is changed. */
const changed = (change: (graph: Graph) => void): Model => {
  const graph = new Graph(encoded({}))
  change(graph)
  graph.sortTopologically()
  return graph.model
}

/** Puts a node between a value and its readers. */
const put = (graph: Graph, value: string, node: NodeProto): void => {
  const readers = [...graph.consumers(value)]
  graph.insert([node])
  for (const use of readers) graph.replaceInput(use.node, use.index, node.output[0] as string)
}

const siteOf = ({ model }: Graph): string => {
  const seen = inspect(model)
  return seen.ok ? (seen.layers[0]?.site as string) : ''
}

const decided = (where: 'tokens' | 'logits'): Model =>
  changed((graph) => {
    graph.addInitializer('yes', { dtype: 'bool', dims: [], data: Float64Array.of(1) })
    if (where === 'tokens') put(graph, siteOf(graph), passThroughIf('yes', siteOf(graph), 'decided'))
    else {
      graph.renameOutput(graph.producer('logits') as NodeProto, 0, 'raw')
      graph.insert([passThroughIf('yes', 'raw', 'logits')])
    }
  })

const pairs: Readonly<Record<string, readonly Pair[]>> = {
  TP_CAUSAL: [
    byEncoder(
      'later tokens are hidden, and each token has an answer for each word of the vocabulary, or for each of three classes',
      { causal: 'range', head: (x) => matmul(x, weights(HIDDEN, VOCABULARY)) },
      { causal: 'range', head: (x) => matmul(x, weights(HIDDEN, 3)) },
    ),
  ],
  TP_CONTROL_FLOW: [
    {
      what: 'an If around tokens, or around logits',
      refused: () => half(decided('tokens')),
      passes: () => half(decided('logits')),
    },
  ],
  TP_ENCODERS: [
    {
      what: 'two encoders under a third, or next to each other',
      refused: () => {
        const [a, b] = ['left_', 'right_'].map((prefix) =>
          logitsOf({ ...plainEncoder, mask: 'none', prefix, head: (x) => unsqueeze(mean(x, 1), [1]) }),
        )
        return half(encoded({ prefix: 'top_', start: (x) => add(add(x, a as Tensor), b as Tensor) }))
      },
      passes: () => {
        const [left, right] = ['left_', 'right_'].map((prefix) => logitsOf({ ...plainEncoder, mask: 'none', prefix }))
        return half(decodeModel(emitModel({ left: left as Tensor, right: right as Tensor })))
      },
    },
  ],
  TP_LAST_TOKEN: [
    byEncoder(
      'the last token but one, or the last',
      { head: (x) => gather(x, -2, 1) },
      { head: (x) => gather(x, -1, 1) },
    ),
  ],
  TP_MASK: [
    byEncoder('a table that hides, or one of biases', { hide: fromTable([0, -1e4]) }, { hide: fromTable([0, -3]) }),
    byEncoder(
      'a table of marks that are scaled to hide, or to be biases',
      { hide: fromTable([2, 3], -1e9) },
      { hide: fromTable([2, 3], -1) },
    ),
  ],
  TP_NO_ATTENTION: [
    byEncoder(
      'the probability of a token, or that of a sink, is left out',
      { soften: (x) => slice(softmax(concat([x, sinks(x)], 3)), { axis: 3, start: 1 }) },
      { soften: (x) => slice(softmax(concat([x, sinks(x)], 3)), { axis: 3, start: 0, end: -1 }) },
    ),
    byEncoder(
      'weights mix the scores of heads, or scale them',
      { hide: (x) => transpose(matmul(transpose(x, [0, 2, 3, 1]), weights(2, 2)), [0, 3, 1, 2]) },
      { hide: (x) => mul(x, weights(1, 2, 1, 1)) },
    ),
  ],
  TP_NO_CLASS_TOKEN: [
    {
      what: 'the mean, or the first token is read',
      refused: () => byClass('mean'),
      passes: () => byClass('cls'),
    },
  ],
  TP_PRUNED: [
    {
      what: 'a layer is pruned that was, or a later one',
      refused: () => half(half(encoded({}), [0]), [0]),
      passes: () => half(half(encoded({ pooling: 'mean' }), [0]), [1]),
    },
  ],
  TP_SHAPE: [
    byEncoder(
      'tokens are expanded to sizes that are an input, or to their own',
      { head: (x) => mean(expand(x, input('sizes', 'int64', [3])), 1) },
      { head: (x) => mean(expand(x, [axisSize(x, 0), axisSize(x, 1), HIDDEN]), 1) },
    ),
  ],
  TP_SPATIAL_REDUCTION: [
    {
      what: 'keys are pooled, or are the tokens',
      refused: () => half(layered(same, pooled)),
      passes: () => half(layered(same, same)),
    },
  ],
  TP_TOKEN_CONCAT: [
    {
      what: 'a learned key next to those of the tokens, or a learned token',
      refused: () => half(layered(same, learned)),
      passes: () => half(encoded({ start: learned })),
    },
    byEncoder(
      'tokens are joined with more tokens, or with more features',
      { head: (x) => mean(concat([x, x], 1), 1) },
      { head: (x) => mean(concat([x, x], 2), 1) },
    ),
  ],
  TP_TOKEN_INDEX: [
    byEncoder(
      'every other token, or the first two',
      { head: (x) => mean(slice(x, { axis: 1, start: 0, step: 2 }), 1) },
      { head: (x) => mean(slice(x, { axis: 1, start: 0, end: 2 }), 1) },
    ),
  ],
  TP_TOKEN_MIXING: [
    {
      what: 'tokens are pooled between layers, or projected',
      refused: () => half(layered(same, same, { between: pooled })),
      passes: () => half(layered(same, same, { between: (x) => matmul(x, weights(HIDDEN, HIDDEN)) })),
    },
  ],
  TP_TOKEN_OUTPUT: [
    {
      what: 'attentions, or states are an output',
      refused: () => half(withOutput((states) => states.attentions[1] as Tensor)),
      passes: () => half(withOutput((states) => states.streams[2] as Tensor)),
    },
  ],
  TP_UNKNOWN_SHAPE: [
    {
      what: 'a foreign operator makes the tokens, or reads the answer',
      refused: () => half(foreign('tokens')),
      passes: () => half(foreign('logits')),
    },
  ],
  TP_UNSUPPORTED_OP: [
    byEncoder(
      'the largest are chosen of all tokens, or of the features of each',
      { gate: (x) => mul(x, mean(topK(x, 2, { axis: 1 }).values, 1, { keepDims: true })) },
      { gate: (x) => mul(x, mean(topK(x, 2).values, 2, { keepDims: true })) },
    ),
    byEncoder(
      'the examples of a language are taken out of the batch, or each is weighed by its language',
      { gate: (x) => scatterND(mul(x, 0), texts, matmul(gatherND(x, texts), weights(HIDDEN, HIDDEN))) },
      { gate: (x) => mul(x, gather(weights(2, 1, 1), input('languages', 'int64', ['batch']), 0)) },
    ),
  ],
  TP_WINDOW_ATTENTION: [
    {
      what: 'tokens attend inside windows, or all to all',
      refused: () => {
        const windows = (x: Tensor): Tensor => reshape(x, [-1, 4, HIDDEN])
        return half(layered(windows, windows, { after: (x) => reshape(x, [-1, TOKENS, HIDDEN]) }))
      },
      passes: () => half(layered(same, same, { after: (x) => reshape(x, [-1, TOKENS, HIDDEN]) })),
    },
    {
      what: 'tokens attend inside chunks before the layers, or are only made larger',
      refused: () => half(chunkedModel()),
      passes: () => half(encoded({ start: (x) => mul(x, 2) })),
    },
  ],
}

const elsewhere: Readonly<Record<string, Elsewhere>> = {
  TP_EMPTY: { none: 'a graph with a node is another graph', refused: () => half(createModel(17)) },
  TP_VALUE: {
    none: 'a constant either has contents or has none',
    refused: () =>
      half(changed((graph) => graph.insert([createNode({ type: 'Constant', inputs: [], outputs: ['nothing'] })]))),
  },
  TP_IMAGE_TOKENS: { tests: '../plans/src/files/prune-image-tokens.test.ts' },
  TP_NO_SIGNAL: { tests: '../method-hybrid/test/thin-padding.test.ts' },
  TP_TRANSFORM: {
    none: 'a record of the toolkit is in a file, or it is not',
    refused: () => saysWhatIsPruned.check({ model: encoded({}) } as Subject),
  },
  TP_BFLOAT16: { tests: 'test/quantize.test.ts' },
  TP_DECODER: { tests: 'test/decoders.test.ts' },
  TP_FUSED_ATTENTION: { tests: 'test/fused-refusals.test.ts' },
  TP_HEADS: { tests: 'test/position-terms.test.ts' },
  TP_LAYERS: { tests: 'src/transforms/leave-out.test.ts' },
  TP_NAME: { tests: 'src/transforms/transform.test.ts' },
  TP_OPSET: { tests: 'test/quantize.test.ts' },
  TP_OUTPUT: { tests: 'test/pooled-outside.test.ts' },
  TP_PACK: { tests: 'test/pack.test.ts' },
  TP_PADDING: { tests: 'test/padding-readers.test.ts' },
  TP_POOLING: { tests: 'test/pooling-forms.test.ts' },
  TP_POSITIONS: { tests: 'test/counted-lengths.test.ts' },
  TP_POSITION_BIAS: { tests: 'test/position-terms.test.ts' },
  TP_QUANTIZE: { tests: 'test/quantize.test.ts' },
  TP_QUANTIZED: { tests: 'test/refusals.test.ts' },
  TP_RESTORE: { tests: 'test/pooled-outside.test.ts' },
  TP_STATES: { tests: 'test/weigh-states.test.ts' },
  TP_STREAM: { tests: 'test/refusals.test.ts' },
  TP_TOKEN_AXIS: { tests: 'src/operators/repair.test.ts' },
  TP_WEIGHED: { tests: 'test/weigh-states.test.ts' },
}

const byClass = (pooling: 'mean' | 'cls'): Model => {
  const options = { method: clsAttention(), schedule: schedule(2, { layers: [0], keep: 0.5 }) }
  return transform(encoded({ pooling }), prune(options)).model
}

function withOutput(of: (states: ReturnType<typeof statesOf>) => Tensor): Model {
  const states = statesOf({ ...plainEncoder, mask: 'none' })
  return decodeModel(emitModel({ logits: states.logits, more: of(states) }))
}

const foreign = (where: 'tokens' | 'logits'): Model =>
  changed((graph) => {
    graph.importOperators('somebody.else')
    const mystery = (from: string, to: string): NodeProto =>
      createNode({ type: 'Mystery', domain: 'somebody.else', inputs: [from], outputs: [to] })
    if (where === 'logits') {
      graph.renameOutput(graph.producer('logits') as NodeProto, 0, 'raw')
      graph.insert([mystery('raw', 'logits')])
    } else {
      const [lookup] = graph.nodes.filter(({ opType }) => opType === 'Gather')
      put(graph, lookup?.output[0] as string, mystery(lookup?.output[0] as string, 'strange'))
    }
  })

describe.each(Object.entries(pairs))('%s', (code, all) => {
  test.each(all.map((pair) => [pair.what, pair] as const))('%s', (_, { refused, passes }) => {
    expect(whyRefused(refused)?.code).toBe(code)
    expect(whyRefused(passes)).toBeUndefined()
  })
})

test.each(Object.entries(elsewhere))('%s is tested elsewhere, or nothing looks like it', (code, about) => {
  if ('none' in about) expect(whyRefused(about.refused)?.code).toBe(code)
  else expect(readFileSync(join(import.meta.dirname, '..', about.tests), 'utf8')).toContain(code)
})

test('every code that the compiler refuses with has a model that looks alike and passes, or a reason why none does', () => {
  const source = join(import.meta.dirname, '../src')
  const codes = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.test)\.ts$/.test(file))
    .flatMap((file) => [...readFileSync(join(source, file), 'utf8').matchAll(/Refused\(\s*'(TP_[A-Z_0-9]+)'/g)])
    .map(([, code]) => code as string)
  const known = [...Object.keys(pairs), ...Object.keys(elsewhere)]
  expect([...new Set(codes)].filter((code) => !known.includes(code)).sort()).toEqual([])
  expect(known.filter((code) => !codes.includes(code))).toEqual([])
})
