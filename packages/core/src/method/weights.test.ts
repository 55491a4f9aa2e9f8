import { describe, expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { constant, mul } from '../ops/index.ts'
import { readSafetensors } from '../safetensors/safetensors.ts'
import { testMethod } from '../testing/index.ts'
import { referenceEncoder } from '../testing/reference-encoder.ts'
import type { Method } from './method.ts'
import { schedule } from './schedule.ts'
import { scorer } from './scorer.ts'
import { learnedBytes, needsValues, paramsOf, trainedLayers, withValues } from './weights.ts'

/** A file with one float32 tensor, as the format's description lays it out. */
function safetensors(name: string, shape: readonly number[], data: readonly number[]): Uint8Array {
  const header = JSON.stringify({ [name]: { dtype: 'F32', shape, data_offsets: [0, data.length * 4] } })
  const bytes = new Uint8Array(8 + header.length + data.length * 4)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(header.length), true)
  bytes.set(new TextEncoder().encode(header), 8)
  for (const [i, x] of data.entries()) view.setFloat32(8 + header.length + i * 4, x, true)
  return bytes
}

const method = scorer({
  name: 'learned',
  family: 'gradient',
  params: { weight: { dims: [2], init: 0 } },
  score: (site) => site.received,
})

test('reads values for one layer or for all', () => {
  const own = readSafetensors(safetensors('layer.3.weight', [2], [0.5, -2]))
  const all = readSafetensors(safetensors('weight', [2], [1, 4]))
  expect(evaluate([paramsOf(method, own, 3).weight as never], new Map())[0]?.data).toEqual(Float32Array.of(0.5, -2))
  expect(evaluate([paramsOf(method, all, 3).weight as never], new Map())[0]?.data).toEqual(Float32Array.of(1, 4))
})

test('knows the layers that values are for, unless some are for all', () => {
  const named = (...names: string[]) => trainedLayers(method, new Map(names.map((name) => [name, 0])))
  expect(named('layer.10.weight', 'layer.2.weight', 'layer.3.other', 'other')).toEqual([2, 10])
  expect(named('layer.2.weight', 'weight')).toBeUndefined()
  expect(named('layer.2.other', 'layer.x.weight')).toBeUndefined()
})

test('reads what was learned back from its file', () => {
  const learned = new Map(
    [2, 4].map((layer) => [
      layer,
      { weight: { dtype: 'float32' as const, dims: [2], data: Float32Array.of(layer, 1) } },
    ]),
  )
  const file = readSafetensors(learnedBytes(learned))
  for (const layer of learned.keys()) {
    const values = [paramsOf(method, file, layer).weight as never]
    expect(evaluate(values, new Map())[0]?.data).toEqual(Float32Array.of(layer, 1))
  }
})

test.each([
  ['another layer', safetensors('layer.1.weight', [2], [1, 2])],
  ['another shape', safetensors('weight', [3], [1, 2, 3])],
  ['cut short', safetensors('weight', [2], [1, 2]).slice(0, -3)],
  ['no safetensors', new TextEncoder().encode('hello, this is a text file')],
  ['empty', new Uint8Array()],
])('refuses %s with a code', (_, bytes) => {
  expect(() => paramsOf(method, readSafetensors(bytes), 3)).toThrow(expect.objectContaining({ code: 'TP_WEIGHTS' }))
})

describe('a method with its values built in', () => {
  const leaning = scorer({
    name: 'leaning',
    family: 'gradient',
    signed: true,
    params: { factor: { dims: [], init: 1 } },
    training: { soften: ({ kept }) => ({ kept }) },
    score: (site) => mul(site.received, site.param.factor as Tensor),
  })
  const by = (factor: (layer: number) => number): Method =>
    withValues(leaning, (layer) => ({ factor: constant(factor(layer), 'float32') }))

  testMethod(by((layer) => 1 - layer))

  test('keeps the same tokens as with separate values, at each layer with its own', () => {
    const size = { layerCount: 3, hidden: 8, heads: 2, classes: 3, seed: 5 }
    const x = { type: 'float32', dims: [2, 9, 8], data: Float32Array.from({ length: 144 }, (_, i) => Math.sin(i * i)) }
    const logits = (method: Method): number[] => {
      const pruning = { method, schedule: schedule(3, { layers: [0, 1], keep: 0.5 }), protectedTokens: [0] }
      const [result] = evaluate([referenceEncoder(size, { mask: false, pruning }).logits], { x })
      return Array.from((result as TensorLike).data as Float32Array)
    }
    // the encoder gives a method the values that it begins with
    expect(logits(by(() => 1))).toEqual(logits(leaning))
    expect(logits(by((layer) => (layer === 1 ? -1 : 1)))).not.toEqual(logits(leaning))
  })

  test('takes no values and has nothing to learn', () => {
    const own = by(() => 1)
    expect(own).toMatchObject({ name: 'leaning', signed: true })
    expect([own.params, own.training, 'score' in own]).toEqual([undefined, undefined, false])
  })
})

test('says whether a method requires trained values', () => {
  const method = (params?: Method['params']): Method => ({
    name: 'some',
    family: 'baseline',
    ...(params !== undefined && { params }),
    reduce: ({ attended }) => ({ keep: attended }),
  })
  const value = { dims: [], init: 0 } as const
  expect(needsValues(method())).toBe(false)
  expect(needsValues(method({ least: { ...value, optional: true } }))).toBe(false)
  expect(needsValues(method({ least: { ...value, optional: true }, most: value }))).toBe(true)
  const later = method((layer) => (layer > 1 ? { most: value } : undefined))
  expect(needsValues(later, [0, 1])).toBe(false)
  expect(needsValues(later, [1, 2])).toBe(true)
})
