import { concat, gather, gatherND, input, schedule, type Tensor } from '@tp/core'
import { clsAttention, keyNorm, receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, Graph, type Model, metadata, type NodeProto } from '@tp/onnx'
import { fusedEncoder, lessPrecision, type Precision } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, pack, prune, quantize, transform } from '../src/index.ts'
import { encoder, plainEncoder } from './encoders.ts'
import { fixture, openFixture } from './fixtures.ts'

/** Without a runtime: what is in a packed graph. That it gives the same answers is tested in @tp/runtime-native. */
const text = openFixture(fixture('bert-cls-eager-ts11'))

function operators(model: Model): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { opType } of model.proto.graph?.node ?? []) counts.set(opType, (counts.get(opType) ?? 0) + 1)
  return counts
}

function packed(model: Model): Model {
  const result = transform(model, pack())
  return result.model
}

describe('a text encoder', () => {
  test('attends over packed tokens alone, and is unpacked once, for its head', () => {
    const before = encodeModel(text)
    expect(transform(text, pack()).reports).toEqual([{ transform: 'pack', attentions: 3, rounded: 0 }])
    const counts = operators(packed(text))
    expect(counts.get('PackedAttention')).toBe(3)
    expect(counts.get('Softmax')).toBeUndefined()
    expect(counts.get('Unpack')).toBe(1)
    expect(encodeModel(text)).toEqual(before)
  })

  test('keeps its inputs and outputs, says that it is packed, and has a function for each operator of the domain', () => {
    const { proto } = packed(text)
    expect(proto.graph?.input.map(({ name }) => name)).toEqual(text.proto.graph?.input.map(({ name }) => name))
    expect(proto.graph?.output).toEqual(text.proto.graph?.output)
    expect(proto.opsetImport.map(({ domain }) => domain)).toContain('tp')
    expect(metadata(packed(text)).get('tp.packed')).toContain('version')
    const used = proto.graph?.node.flatMap(({ domain, opType }) => (domain === 'tp' ? [opType] : []))
    expect(proto.functions.map(({ name }) => name).toSorted()).toEqual([...new Set(used)].toSorted())
  })

  test('works on the kept tokens downstream of every cut', () => {
    const pruned = transform(text, prune({ method: clsAttention(), schedule: schedule(3, { keep: 0.5 }) }))
    // one segment before each cut and one after the last
    expect(operators(packed(pruned.model)).get('Rows')).toBe(pruned.reports[0].cuts.length + 1)
  })

  test('computes received attention next to its attention, without storing probabilities', () => {
    const layers = [1]
    const pruned = transform(text, prune({ method: receivedAttention(), schedule: schedule(3, { keep: 0.5, layers }) }))
    const inFull = operators(pruned.model).get('Softmax') ?? 0
    // the only one is the last layer's, of the class token alone
    expect([inFull, operators(packed(pruned.model)).get('Softmax')]).toEqual([3, 1])
  })

  test('packs the layer upstream of the first cut where the head reads a token that an input names', () => {
    const marker = input('marker', 'int64', ['batch', 1])
    const head = (x: Tensor): Tensor => concat([gather(x, 0, 1), gatherND(x, marker, 1)], 1)
    const model = decodeModel(encoder({ ...plainEncoder, head }))
    const method = receivedAttention()
    const pruned = transform(model, prune({ method, schedule: schedule(2, { keep: 0.5, layers: [0, 1] }) }))
    expect(transform(pruned.model, pack()).reports).toMatchObject([{ attentions: 2 }])
  })

  test('keeps what a method makes of padding', () => {
    const pruned = transform(text, prune({ method: keyNorm(), schedule: schedule(3, { keep: 0.5, layers: [1] }) }))
    const nodes = packed(pruned.model).proto.graph?.node ?? []
    const twins = nodes.filter(({ name }) => name.startsWith('tp/layer_') && name.includes('/packed'))
    expect(twins.map(({ opType }) => opType)).toEqual(['Pack'])
  })
})

test.each<Precision>(['float16', 'dynamic int8', 'QDQ'])(
  'packs every attention of a text encoder in %s',
  (precision) => {
    expect(transform(lessPrecision(text, precision), pack()).reports[0]).toMatchObject({ attentions: 3 })
  },
)

test('packs quantized and fused attention', () => {
  const fused = transform(
    fusedEncoder({ fusion: 'Attention', layerCount: 2, norm: 'post', pooling: 'cls', seed: 1 }),
    quantize(),
  )
  expect(transform(fused.model, pack()).reports[0]).toMatchObject({ attentions: 2 })
})

describe('activations rounded by token', () => {
  test('have operators of their own where the attention of images is a fused one, which remains', () => {
    const eight = transform(openFixture(fixture('vit-cls-ortfused')), quantize())
    const { model, reports } = transform(eight.model, pack())
    expect(reports[0]).toMatchObject({ rounded: operators(eight.model).get('QuantizeLinear') })
    const [before, counts] = [operators(eight.model), operators(model)]
    expect(before.get('MultiHeadAttention')).toBeGreaterThan(0)
    expect(counts.get('MultiHeadAttention')).toBe(before.get('MultiHeadAttention'))
  })

  test.each(['bert-cls-eager-ts11', 'distilbert-cls-eager-ts14'])('have one operator between products: %s', (name) => {
    const eight = transform(openFixture(fixture(name)), quantize())
    const { model, reports } = transform(eight.model, pack())
    const [before, counts] = [operators(eight.model), operators(model)]
    expect(reports[0]).toMatchObject({ attentions: 3, rounded: before.get('QuantizeLinear') })
    const ofType = (...types: string[]): NodeProto[] =>
      model.proto.graph?.node.filter(({ opType }) => types.includes(opType.split('_')[0] as string)) ?? []
    expect(ofType('RoundRows', 'RescaleRows')).toHaveLength(before.get('QuantizeLinear') as number)
    const scaled = ofType('ScaleRows', 'RescaleRows').filter(({ opType }) => /^Scale|_scale/.test(opType))
    expect(scaled).toHaveLength(before.get('MatMulInteger') as number)
    for (const type of ['QuantizeLinear', 'ReduceMax', 'Reciprocal', 'Erf', 'Gelu'])
      expect(counts.get(type)).toBeUndefined()
    // Bias, GELU and residual are in it: what is left are sums of embeddings.
    expect(scaled.filter(({ opType }) => opType.includes('_bias')).length).toBeGreaterThanOrEqual(scaled.length - 1)
    expect(scaled.filter(({ opType }) => opType.includes('_residual'))).toHaveLength(6)
    // Only contexts of attention, and values that the head reads, are rounded without a norm or a GELU before.
    expect(ofType('RoundRows').length).toBeLessThanOrEqual(3 + 3)
  })

  test('get them for images, too, which have no padding', () => {
    const eight = transform(openFixture(fixture('vit-cls-static-ts11')), quantize()).model
    const {
      model,
      reports: [report],
    } = transform(eight, pack())
    expect(report).toEqual({
      transform: 'pack',
      attentions: undefined,
      rounded: operators(eight).get('QuantizeLinear'),
    })
    // Attention, too, is one operator of it.
    expect(operators(model).get('Softmax')).toBeUndefined()
    expect(operators(model).get('BatchAttention')).toBe(operators(eight).get('Softmax'))
  })

  test('have attention by integers only where activations are rounded', () => {
    const eight = transform(text, quantize()).model
    const attentions = (from: Model): unknown[] =>
      transform(from, pack())
        .model.proto.graph?.node.filter(({ opType }) => opType === 'PackedAttention')
        .map(({ attribute }) => attribute.find(({ name }) => name === 'integers')?.i) ?? []
    expect(attentions(eight)).toEqual([1n, 1n, 1n])
    expect(attentions(text)).toEqual([0n, 0n, 0n])
  })

  test('get them for images whose tokens are pruned in two layers to fixed numbers', () => {
    const image = openFixture(fixture('dinov2-cls-ts17'))
    const layers = [0, 2]
    const pruned = transform(image, prune({ method: clsAttention(), schedule: schedule(3, { keep: 0.7, layers }) }))
    expect(inspect(pruned.model)).toMatchObject({ ok: true })
    const [, report] = transform(pruned.model, quantize(), pack()).reports
    expect(report.attentions).toBeUndefined()
    expect(report.rounded).toBeGreaterThan(8)
  })

  test('keep standard operators with one scale for all', () => {
    const tensor = transform(text, quantize({ activations: 'tensor' })).model
    expect(transform(tensor, pack()).reports[0]).toMatchObject({ attentions: 3, rounded: 0 })
  })

  test('keep what something else reads in between', () => {
    const graph = new Graph(transform(text, quantize()).model)
    const [gelu] = graph.nodes.filter(({ opType }) => opType === 'Erf' || opType === 'Gelu')
    graph.addOutput(gelu?.input[0] as string, 'float32', ['b', 'n', undefined])
    const counts = operators(packed(graph.model))
    expect((counts.get('Erf') ?? 0) + (counts.get('Gelu') ?? 0)).toBe(1)
  })
})

test('refuses a packed model in every function', () => {
  const twice = packed(text)
  const refused = expect.objectContaining({ code: 'TP_PACK', message: expect.stringContaining('packed already') })
  expect(() => transform(twice, pack())).toThrow(refused)
  expect(inspect(twice)).toMatchObject({ ok: false, refusal: { code: 'TP_PACK' } })
  const options = { method: clsAttention(), schedule: schedule(3, { keep: 0.5 }) }
  expect(() => transform(twice, prune(options))).toThrow(refused)
})

test('refuses examples of equal length, unless the data decide how many tokens are kept', () => {
  const image = openFixture(fixture('vit-cls-static-ts11'))
  expect(() => transform(image, pack())).toThrow(expect.objectContaining({ code: 'TP_PACK' }))
  const layers = [0, 1]
  const byShare = transform(image, prune({ method: clsAttention(), schedule: schedule(3, { keep: 0.5, layers }) }))
  const byMass = transform(image, prune({ method: clsAttention(), schedule: schedule(3, { mass: 0.5, layers }) }))
  expect(() => transform(byShare.model, pack())).toThrow(expect.objectContaining({ code: 'TP_PACK' }))
  expect(() => transform(byMass.model, pack())).not.toThrow()
})
