import { expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { isSigned, paramsAt } from '../host/at-layer.ts'
import { add, matmul, mean, neg, squeeze } from '../ops/index.ts'
import { testMethod } from '../testing/index.ts'
import { referenceEncoder } from '../testing/reference-encoder.ts'
import { byLayer, weighted } from './combinators.ts'
import type { Method } from './method.ts'
import { schedule } from './schedule.ts'
import { scorer } from './scorer.ts'
import { paramsOf } from './weights.ts'

const cls = scorer({ name: 'cls', family: 'attention', score: (site) => mean(site.clsAttention, 1) })
const received = scorer({ name: 'received', family: 'attention', score: (site) => site.received })
const early = scorer({ name: 'early', family: 'baseline', signed: true, score: (site) => neg(site.position) })

/** Keeps what had the highest scores so far. */
function gathered(what: 'received' | 'cls'): Method {
  return {
    name: `gathered-${what}`,
    family: 'attention',
    carry: { total: { dims: ['N'], init: 0 } },
    reduce(site) {
      const now = what === 'cls' ? mean(site.clsAttention, 1) : site.received
      const total = add(site.carried.total as Tensor, now)
      return { keep: site.budget?.select(total) ?? site.attended, carry: { total } }
    },
  }
}
const trained = scorer({
  name: 'trained',
  family: 'attention',
  signed: true,
  params: { direction: { dims: ['D', 1], init: 'identity' } },
  score: (site) => squeeze(matmul(site.hidden, site.param.direction as Tensor), [2]),
})

testMethod(
  weighted('half-half', [
    [cls, 0.5],
    [received, 0.5],
  ]),
)
testMethod(
  byLayer(
    'trained-then-gathered',
    new Map([
      [1, gathered('received')],
      [2, trained],
    ]),
    gathered('cls'),
  ),
)

test('marks a sum as signed if a part or a weight may make it negative', () => {
  expect(weighted('a', [[cls, 1]]).signed).toBe(false)
  expect(weighted('b', [[cls, -1]]).signed).toBe(true)
  expect(
    weighted('c', [
      [cls, 1],
      [early, 1],
    ]).signed,
  ).toBe(true)
})

test('refuses weights that are not numbers, and empty sums', () => {
  expect(() => weighted('d', [])).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  expect(() => weighted('e', [[cls, Number.NaN]])).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
})

test('gives each layer the declarations of its own method', () => {
  const mixed = byLayer('mixed', new Map([[1, trained]]), cls)
  expect([0, 1, 2].map((layer) => isSigned(mixed, layer))).toEqual([false, true, false])
  expect([0, 1, 2].map((layer) => Object.keys(paramsAt(mixed, layer)))).toEqual([[], ['direction'], []])
  expect(byLayer('plain', new Map(), cls).params).toBeUndefined()
  const weights = new Map([
    ['layer.1.direction', { dtype: 'float32', dims: [8, 1], data: new Float64Array(8) }],
  ] as const)
  expect(Object.keys(paramsOf(mixed, weights, 0))).toEqual([])
  expect(Object.keys(paramsOf(mixed, weights, 1))).toEqual(['direction'])
})

test('shows every layer to methods that carry state, to each its own', () => {
  const [a, b] = [gathered('received'), gathered('cls')]
  const mixed = byLayer('mixed', new Map([[2, a]]), b)
  const size = { layerCount: 4, hidden: 8, heads: 2, classes: 3, seed: 5 }
  const x = { type: 'float32', dims: [2, 9, 8], data: Float32Array.from({ length: 144 }, (_, i) => Math.sin(i * i)) }
  const logits = (method: Method, layer: number): number[] => {
    const pruning = { method, schedule: schedule(4, { layers: [layer], tokens: 4 }), protectedTokens: [0] }
    const [result] = evaluate([referenceEncoder(size, { mask: false, pruning }).logits], { x })
    return Array.from((result as TensorLike).data as Float32Array)
  }
  expect(logits(mixed, 2)).toEqual(logits(a, 2))
  expect(logits(mixed, 3)).toEqual(logits(b, 3))
  expect(logits(a, 3)).not.toEqual(logits(b, 3))
})

test('refuses two methods with a trained value of the same name at one layer', () => {
  const observing = (name: string): Method => ({
    ...gathered('cls'),
    name,
    params: { direction: { dims: ['D', 1], init: 1 } },
  })
  expect(() => byLayer('clash', new Map([[1, observing('a')]]), observing('b'))).toThrow(
    'a and b both take a trained value "direction" at layer 1',
  )
})

test('refuses to combine methods that work at the input of layers', () => {
  expect(() => byLayer('mixed', new Map([[1, { ...gathered('cls'), site: 'input' }]]), cls)).toThrow('use it alone')
})
