import { toBinary } from '@bufbuild/protobuf'
import {
  add,
  axisSize,
  cast,
  concat,
  constant,
  cumSum,
  equal,
  expand,
  gather,
  input,
  matmul,
  max,
  mean,
  mul,
  not,
  pad,
  reshape,
  scatterND,
  schedule,
  sigmoid,
  slice,
  softmax,
  sub,
  swapLast,
  type Tensor,
  transpose,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { createNode, decodeModel, emitModel, encodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { NodeProtoSchema, TensorProto_DataType } from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { inspect, inspectDecoder, prune, quantize, type Refusal, transform, whyRefused } from '../src/index.ts'
import { passThroughIf } from './bodies.ts'
import { encoder, inputsOf, logitsOf, plainEncoder, statesOf } from './encoders.ts'
import { difference, numbers, run } from './run.ts'

const plain = plainEncoder

function weights(rows: number, columns: number): Tensor {
  const values = Array.from({ length: rows * columns }, (_, i) => Math.sin(i))
  return constant(values, 'float32', [rows, columns])
}

function refusal(model: Model | Uint8Array): Refusal | undefined {
  const opened = model instanceof Uint8Array ? decodeModel(model) : model
  const options = { method: receivedAttention(), schedule: schedule(2, { keep: 0.5 }) }
  const refused = whyRefused(() => transform(opened, prune(options)))
  const seen = inspect(opened)
  if (!seen.ok && refused !== undefined) expect(seen.refusal).toEqual(refused)
  return refused
}

describe('requires proof of what a mask says', () => {
  const masked = (form: (mask: Tensor) => Tensor): Uint8Array =>
    emitModel({ logits: logitsOf({ ...plain, readMask: form }) })

  test('takes token numbers as the mask by what is real or padding, but not by their size', () => {
    const ids = input('input_ids', 'int64', ['batch', 'sequence'])
    for (const padding of [0, 1, 5]) {
      expect(refusal(masked(() => cast(not(equal(ids, padding)), 'int64')))).toBeUndefined()
    }
    expect(refusal(masked(() => cast(ids, 'float32')))?.code).toBe('TP_MASK')
  })
})

describe('heads and joins that cannot follow the tokens are refused', () => {
  const headed = (head: (x: Tensor) => Tensor): Refusal | undefined =>
    refusal(emitModel({ logits: logitsOf({ ...plain, mask: 'none', head }) }))

  test('a token whose position is computed', () => {
    const ordinal = cast(max(input('input_ids', 'int64', ['batch', 'sequence']), 0), 'int64')
    expect(headed((x) => gather(x, gather(ordinal, 0, 0), 1))?.code).toBe('TP_TOKEN_INDEX')
  })

  test('all but the last', () => {
    expect(headed((x) => mean(slice(x, { axis: 1, start: 0, end: -1 }), 1))?.code).toBe('TP_TOKEN_INDEX')
  })

  test('one weight for each position', () => {
    const flat = emitModel({
      logits: logitsOf({
        ...plain,
        mask: 'none',
        sizes: [1, 5],
        head: (x) =>
          matmul(
            reshape(x, [1, 40]),
            constant(
              Array.from({ length: 80 }, (_, i) => Math.sin(i)),
              'float32',
              [40, 2],
            ),
          ),
      }),
    })
    expect(refusal(flat)?.code).toBe('TP_TOKEN_MIXING')
  })

  test('a running sum', () => {
    expect(headed((x) => mean(cumSum(x, 1), 1))?.code).toBe('TP_UNSUPPORTED_OP')
  })
})

describe('graphs of other kinds are refused', () => {
  test('with a convolution in every layer, whatever else stands in the way of the tokens', () => {
    const kernel = constant(
      Array.from({ length: 2 * 2 * 3 }, (_, i) => Math.sin(i)),
      'float32',
      [2, 2, 3, 1],
    )
    const window = { kernel_shape: [3, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group: 1 }
    const rotate = (x: Tensor): Tensor =>
      applyOne(operators.get('Conv') as Op, [pad(x, [0, 0, 1, 0, 0, 0, 1, 0]), kernel], window)
    expect(refusal(emitModel({ logits: logitsOf({ ...plain, mask: 'none', rotate }) }))).toMatchObject({
      code: 'TP_TOKEN_MIXING',
      message: expect.stringContaining('3 neighboring tokens by a convolution'),
      node: expect.stringContaining('Conv'),
    })
  })

  test('a model of one product', () => {
    const x = input('x', 'float32', ['b', 4])
    expect(refusal(emitModel({ y: matmul(x, constant([1, 2, 3, 4], 'float32', [4, 1])) }))?.code).toBe(
      'TP_NO_ATTENTION',
    )
  })

  test('a classifier that ends in a softmax', () => {
    const x = input('x', 'float32', ['b', 4])
    const y = softmax(
      matmul(
        x,
        constant(
          Array.from({ length: 16 }, () => 1),
          'float32',
          [4, 4],
        ),
      ),
    )
    expect(refusal(emitModel({ y }))).toMatchObject({
      code: 'TP_NO_ATTENTION',
      node: expect.stringContaining('Softmax'),
    })
  })

  test('a recurrence that is written out, but not gates of layers', () => {
    const x = gather(weights(30, 8), input('input_ids', 'int64', ['batch', 6]), 0)
    const steps = Array.from({ length: 6 }, (_, i) => slice(x, { axis: 1, start: i, end: i + 1 }))
    const states = steps.reduce((h, step) => add(mul(sigmoid(matmul(step, weights(8, 8))), h), step))
    expect(refusal(emitModel({ y: mean(states, 1) }))).toMatchObject({
      code: 'TP_NO_ATTENTION',
      message: expect.stringContaining('tokens are read one after the other'),
      node: expect.stringContaining('Add'),
    })
    const gated = steps.reduce((h) => add(mul(sigmoid(matmul(h, weights(8, 8))), h), matmul(h, weights(8, 8))), x)
    expect(refusal(emitModel({ y: mean(gated, 1) }))?.message).toContain('the model has no softmax at all')
  })

  test('blocks that attend to their neighbors', () => {
    const x = gather(weights(30, 8), input('input_ids', 'int64', ['batch', 12]), 0)
    const blocks = reshape(x, [-1, 3, 4, 8])
    const padded = pad(blocks, [0, 1, 0, 0, 0, 1, 0, 0])
    const near = concat(
      [0, 1, 2].map((start) => slice(padded, { axis: 1, start, end: start + 3 })),
      2,
    )
    const y = add(blocks, matmul(softmax(matmul(matmul(blocks, weights(8, 8)), swapLast(near))), near))
    expect(refusal(emitModel({ y: mean(reshape(y, [-1, 12, 8]), 1) }))).toMatchObject({
      code: 'TP_WINDOW_ATTENTION',
      message: expect.stringContaining('joins 3 neighboring blocks'),
      node: expect.stringContaining('Concat'),
    })
  })

  /** [b,n,8] */
  const embedded = (name: string): Tensor => gather(weights(30, 8), input(name, 'int64', ['b', 'n']), 0)
  const scored = (x: Tensor, from: Tensor): Tensor => softmax(matmul(matmul(x, weights(8, 8)), swapLast(from)))
  const attended = (x: Tensor, from = x): Tensor => add(x, matmul(scored(x, from), matmul(from, weights(8, 8))))
  const fed = (x: Tensor): Tensor => add(x, matmul(sigmoid(matmul(x, weights(8, 8))), weights(8, 8)))

  test('a decoder whose layers attend to their encoder', () => {
    const states = fed(attended(fed(attended(embedded('input_ids')))))
    const decoded = fed(attended(attended(embedded('decoder_input_ids')), states))
    expect(refusal(emitModel({ y: mean(fed(attended(decoded)), 1) }))).toMatchObject({
      code: 'TP_ENCODERS',
      message: expect.stringContaining('(an encoder and its decoder); export the encoder alone'),
    })
  })

  test.each(['of floats', 'of 8 bits'])('attention that is a difference, %s', (numbers) => {
    const x = embedded('input_ids')
    const less = mul(matmul(scored(mul(x, 2), x), matmul(x, weights(8, 8))), 0.5)
    const difference = sub(matmul(scored(x, x), matmul(x, weights(8, 8))), less)
    const model = decodeModel(emitModel({ y: mean(fed(add(x, matmul(difference, weights(8, 8)))), 1) }))
    expect(refusal(numbers === 'of floats' ? model : transform(model, quantize()).model)).toMatchObject({
      code: 'TP_NO_ATTENTION',
      message: expect.stringContaining('(differential attention)'),
      node: expect.stringContaining('Sub'),
    })
  })

  const inParts = (scores: Tensor): Tensor[] =>
    [0, 1].map((head) => slice(scores, { axis: 1, start: head, end: head + 1 }))
  test.each<[string, (scores: Tensor) => Tensor]>([
    [
      'written part by part',
      (scores) => {
        const rows = transpose(scores, [2, 0, 1, 3])
        const two = constant([0, 1], 'int64', [2, 1])
        return transpose(scatterND(mul(rows, 0), two, slice(rows, { axis: 0, start: 0, end: 2 })), [1, 2, 0, 3])
      },
    ],
    ['joined before a mask is added', (scores) => add(concat(inParts(scores), 1), 1)],
  ])('scores that are %s', (_, hide) => {
    expect(refusal(emitModel({ logits: logitsOf({ ...plain, mask: 'none', hide }) }))).toMatchObject({
      code: 'TP_NO_ATTENTION',
      message: expect.stringContaining('scores are joined from several parts'),
    })
  })
})

describe('layers that cannot be followed are refused', () => {
  const convolved = (x: Tensor, width: number): Tensor => {
    const kernel = constant(
      Array.from({ length: 64 * width }, (_, i) => Math.sin(i)),
      'float32',
      [8, 8, width],
    )
    return applyOne(operators.get('Conv') as Op, [x, kernel], { pads: [(width - 1) / 2, (width - 1) / 2] })
  }
  /** [b,n,8] */
  const embedded = gather(weights(30, 8), input('input_ids', 'int64', ['batch', 'sequence']), 0)
  const heads = (x: Tensor): Tensor => transpose(reshape(x, [axisSize(x, 0), -1, 2, 4]), [0, 2, 1, 3])
  const attend = (q: Tensor, k: Tensor, v: Tensor): Tensor =>
    reshape(transpose(matmul(softmax(matmul(q, swapLast(k))), v), [0, 2, 1, 3]), [axisSize(q, 0), -1, 8])

  test('tokens last, and convolutions in place of products', () => {
    const x = transpose(embedded, [0, 2, 1])
    const [q, k, v] = [1, 1, 1].map((width) => heads(transpose(convolved(x, width), [0, 2, 1]))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const y = add(x, convolved(transpose(attend(q, k, v), [0, 2, 1]), 1))
    expect(refusal(emitModel({ y: mean(y, 2) }))).toMatchObject({
      code: 'TP_STREAM',
      message: expect.stringContaining('batch × hidden size × tokens, [batch,8,sequence]'),
    })
  })

  test('attention whose result is joined with that of a convolution', () => {
    const [q, k, v] = [1, 2, 3].map((scale) => heads(matmul(mul(embedded, scale), weights(8, 8)))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const convolution = transpose(convolved(transpose(embedded, [0, 2, 1]), 3), [0, 2, 1])
    const y = add(embedded, matmul(concat([attend(q, k, v), convolution], 2), weights(16, 8)))
    expect(refusal(emitModel({ y: mean(y, 1) }))).toMatchObject({
      code: 'TP_NO_ATTENTION',
      message: expect.stringContaining('joined with that of the convolution'),
      node: expect.stringContaining('Conv'),
    })
  })

  test('a mask of a size that only the inputs determine', () => {
    const length = reshape(max(input('input_ids', 'int64', ['batch', 'sequence']), [0, 1]), [1])
    const hide = (scores: Tensor): Tensor =>
      add(scores, expand(constant([0], 'float32', [1, 1, 1, 1]), concat([constant([1, 1, 1], 'int64'), length], 0)))
    const seen = refusal(emitModel({ logits: logitsOf({ ...plain, mask: 'none', hide }) }))
    expect(seen).toMatchObject({ code: 'TP_MASK', message: expect.stringContaining('a size that is not known') })
  })

  test('an unknown operator in front of them, which is named', () => {
    const model = decodeModel(encoder(plain))
    const graph = new Graph(model)
    const site = graph.nodes.find(({ opType }) => opType === 'LayerNormalization') as NodeProto
    graph.importOperators('somebody.else')
    graph.insert(
      [
        createNode({
          type: 'Mystery',
          domain: 'somebody.else',
          inputs: [site.input[0] as string],
          outputs: ['strange'],
        }),
      ],
      site,
    )
    graph.replaceInput(site, 0, 'strange')
    expect(refusal(model)?.message).toContain('somebody.else.Mystery')
  })
})

describe('refuses forms of onnxruntime for what they are:', () => {
  test('softmax written out, as in half precision', () => {
    const graph = new Graph(decodeModel(encoder(plain)))
    graph.addInitializer('last', { dtype: 'int64', dims: [1], data: Float64Array.of(-1) })
    for (const node of graph.nodes.filter(({ opType }) => opType === 'Softmax')) {
      const [x, y] = [node.input[0] as string, node.output[0] as string]
      const step = (type: string, inputs: string[], output: string): NodeProto =>
        createNode({ type, name: output, inputs, outputs: [output] })
      graph.remove(node)
      graph.insert([
        createNode({
          type: 'ReduceMax',
          name: `${y}/max`,
          inputs: [x],
          outputs: [`${y}/max`],
          attributes: { axes: [-1] },
        }),
        step('Sub', [x, `${y}/max`], `${y}/sub`),
        step('Exp', [`${y}/sub`], `${y}/exp`),
        step('ReduceSum', [`${y}/exp`, 'last'], `${y}/sum`),
        step('Div', [`${y}/exp`, `${y}/sum`], y),
      ])
    }
    graph.sortTopologically()
    const message = expect.stringContaining('softmax is written out (ReduceMax, Exp, ReduceSum)')
    expect(refusal(graph.model)).toMatchObject({ code: 'TP_NO_ATTENTION', message })
  })

  test('operators on rounded numbers', () => {
    const graph = new Graph(decodeModel(encoder(plain)))
    graph.importOperators('com.microsoft')
    for (const node of graph.nodes.filter(({ opType }) => opType === 'Softmax')) {
      node.opType = 'QLinearSoftmax'
      node.domain = 'com.microsoft'
    }
    const message = expect.stringContaining('optimized after it was quantized (com.microsoft.QLinearSoftmax)')
    expect(refusal(graph.model)).toMatchObject({ code: 'TP_QUANTIZED', message })
  })
})

describe('control flow', () => {
  test('names control flow that decides a shape in an encoder as the reason, and not a cache', () => {
    const { graph } = withCondition()
    // A branch whose result has no declared shape, upstream of the layers.
    const lookup = graph.consumers('input_ids').find(({ node }) => node.opType === 'Gather')
    const embedded = lookup?.node.output[0] as string
    const readers = [...graph.consumers(embedded)]
    const decided = graph.uniqueName('decided')
    graph.insert([passThroughIf('yes', embedded, decided)])
    for (const { node, index } of readers) graph.replaceInput(node, index, decided)
    graph.sortTopologically()
    const message = expect.stringContaining('a control-flow node (If) decides')
    expect(refusal(graph.model)).toMatchObject({ code: 'TP_CONTROL_FLOW', message })
    expect(inspectDecoder(graph.model)).toMatchObject({ ok: false, refusal: { code: 'TP_DECODER' } })
  })

  test('around the mask is refused', () => {
    const { graph } = withCondition()
    const reader = graph.consumers('attention_mask')[0]?.node as NodeProto
    graph.insert([passThroughIf('yes', 'attention_mask', 'through', TensorProto_DataType.INT64)], reader)
    graph.replaceInput(reader, 0, 'through')
    graph.setValueInfo('through', 'int64', ['batch', 'sequence'])
    expect(refusal(graph.model)?.code).toBe('TP_MASK')
  })

  test('leaves control flow after the head unchanged, byte for byte', async () => {
    const { graph } = withCondition()
    const producer = graph.producer('logits') as NodeProto
    graph.renameOutput(producer, 0, 'raw')
    const node = passThroughIf('yes', 'raw', 'logits')
    graph.insert([node])
    const bytes = encodeModel(graph.model)
    const result = transform(
      decodeModel(bytes),
      prune({ method: clsAttention(), schedule: schedule(2, { keep: 0.5 }) }),
    )
    const kept = new Graph(result.model).nodes.find(({ opType }) => opType === 'If') as NodeProto
    expect(toBinary(NodeProtoSchema, kept)).toEqual(toBinary(NodeProtoSchema, node))
    const inputs = inputsOf(plain, 2, 6, 1)
    const direct = transform(
      decodeModel(encoder(plain)),
      prune({ method: clsAttention(), schedule: schedule(2, { keep: 0.5 }) }),
    )
    const [through, without] = [await run(result.model, inputs), await run(direct.model, inputs)]
    expect(difference(numbers(through.logits), numbers(without.logits))).toBeLessThan(1e-6)
  })

  function withCondition(): { graph: Graph; site: string } {
    const graph = new Graph(decodeModel(encoder(plain)))
    graph.addInitializer('yes', { dtype: 'bool', dims: [], data: Float64Array.of(1) })
    const seen = inspect(graph.model)
    if (!seen.ok) throw new Error(seen.refusal.message)
    return { graph, site: seen.layers[0]?.site as string }
  }
})

describe('inspect that tries', () => {
  test('refuses what every method is refused for, and says yes where one is not', () => {
    const { logits, attentions } = statesOf({ ...plain, layerCount: 3 })
    const model = decodeModel(emitModel({ logits, attentions: attentions[2] as Tensor }))
    expect(inspect(model).ok).toBe(true)
    expect(inspect(model, { tries: true })).toMatchObject({ ok: false, refusal: { code: 'TP_TOKEN_OUTPUT' } })
    const own = decodeModel(encoder(plain))
    expect(inspect(own, { tries: true })).toEqual(inspect(own))
  })

  test('describes the encoder of a file that can be pruned, and names the refusal of the other', () => {
    const [left, right] = ['left_', 'right_'].map((prefix) => statesOf({ ...plain, layerCount: 3, prefix }))
    const model = decodeModel(
      emitModel({
        left: left?.logits as Tensor,
        right: right?.logits as Tensor,
        seen: left?.attentions[2] as Tensor,
      }),
    )
    expect(inspect(model, { tries: true })).toMatchObject({
      ok: true,
      encoder: 'right_input_ids',
      encoders: [{ name: 'left_input_ids', refusal: { code: 'TP_TOKEN_OUTPUT' } }, { name: 'right_input_ids' }],
    })
  })
})
