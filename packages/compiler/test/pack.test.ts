import { schedule } from '@tp/core'
import { clsAttention, keyNorm, receivedAttention } from '@tp/method-attention'
import { encodeModel, type Model, metadata } from '@tp/onnx'
import { fusedEncoder, lessPrecision, type Precision } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, pack, prune, quantize } from '../src/index.ts'
import { fixture, openFixture } from './fixtures.ts'

/** Without a runtime: what is in a packed graph. That it gives the same answers is tested in @tp/runtime-native. */
const text = openFixture(fixture('bert-cls-eager-ts11'))

function operators(model: Model): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { opType } of model.proto.graph?.node ?? []) counts.set(opType, (counts.get(opType) ?? 0) + 1)
  return counts
}

function packed(model: Model): Model {
  const result = pack(model)
  if (!result.ok) throw new Error(result.refusal.message)
  return result.model
}

describe('a text encoder', () => {
  test('attends over packed tokens alone, and is unpacked once, for its head', () => {
    const before = encodeModel(text)
    const result = pack(text)
    expect(result).toMatchObject({ ok: true, attentions: 3 })
    const counts = operators(packed(text))
    expect(counts.get('PackedAttention')).toBe(3)
    expect(counts.get('Softmax')).toBeUndefined()
    expect(counts.get('Unpack')).toBe(1)
    expect(encodeModel(text)).toEqual(before)
  })

  test('keeps its inputs and outputs, and names the runtime it needs', () => {
    const { proto } = packed(text)
    expect(proto.graph?.input.map(({ name }) => name)).toEqual(text.proto.graph?.input.map(({ name }) => name))
    expect(proto.graph?.output).toEqual(text.proto.graph?.output)
    expect(proto.opsetImport.map(({ domain }) => domain)).toContain('tp')
    expect(metadata(packed(text)).get('tp.packed')).toContain('@tp/runtime-native')
  })

  test('works on the kept tokens downstream of every cut', () => {
    const pruned = prune(text, { method: clsAttention(), schedule: schedule(3, { keep: 0.5 }) })
    if (!pruned.ok) throw new Error(pruned.refusal.message)
    // one segment before each cut and one after the last
    expect(operators(packed(pruned.model)).get('Rows')).toBe(pruned.cuts.length + 1)
  })

  test('computes received attention next to its attention, without storing probabilities', () => {
    const layers = [1]
    const pruned = prune(text, { method: receivedAttention(), schedule: schedule(3, { keep: 0.5, layers }) })
    if (!pruned.ok) throw new Error(pruned.refusal.message)
    const inFull = operators(pruned.model).get('Softmax') ?? 0
    // the only one is the last layer's, of the class token alone
    expect([inFull, operators(packed(pruned.model)).get('Softmax')]).toEqual([3, 1])
  })

  test('keeps what a method makes of padding', () => {
    const pruned = prune(text, { method: keyNorm(), schedule: schedule(3, { keep: 0.5, layers: [1] }) })
    if (!pruned.ok) throw new Error(pruned.refusal.message)
    const nodes = packed(pruned.model).proto.graph?.node ?? []
    const twins = nodes.filter(({ name }) => name.startsWith('tp/layer_') && name.includes('/packed'))
    expect(twins.map(({ opType }) => opType)).toEqual(['Pack'])
  })
})

test.each<Precision>(['float16', 'dynamic int8', 'QDQ'])(
  'packs every attention of a text encoder in %s',
  (precision) => {
    expect(pack(lessPrecision(text, precision))).toMatchObject({ ok: true, attentions: 3 })
  },
)

test('packs quantized and fused attention', () => {
  const fused = quantize(fusedEncoder({ fusion: 'Attention', layerCount: 2, norm: 'post', pooling: 'cls', seed: 1 }))
  if (!fused.ok) throw new Error(fused.refusal.message)
  expect(pack(fused.model)).toMatchObject({ ok: true, attentions: 2 })
})

test('refuses a packed model in every function', () => {
  const twice = packed(text)
  for (const result of [
    pack(twice),
    inspect(twice),
    prune(twice, { method: clsAttention(), schedule: schedule(3, { keep: 0.5 }) }),
  ]) {
    expect(result).toMatchObject({ ok: false, refusal: { code: 'TP_PACKED' } })
  }
})

test('refuses examples of equal length, unless the data decide how many tokens are kept', () => {
  const image = openFixture(fixture('vit-cls-static-ts11'))
  expect(pack(image)).toMatchObject({ ok: false, refusal: { code: 'TP_PACK' } })
  const layers = [0, 1]
  const byShare = prune(image, { method: clsAttention(), schedule: schedule(3, { keep: 0.5, layers }) })
  const byMass = prune(image, { method: clsAttention(), schedule: schedule(3, { mass: 0.5, layers }) })
  if (!byShare.ok || !byMass.ok) throw new Error('not pruned')
  expect(pack(byShare.model)).toMatchObject({ ok: false, refusal: { code: 'TP_PACK' } })
  expect(pack(byMass.model)).toMatchObject({ ok: true })
})
