import { readFileSync } from 'node:fs'
import { isTpError, none, type Schedule, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { thorough } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { fixture, openFixture } from '../test/fixtures.ts'
import { countFlops, flopsFormula, keepForFlops, type Sizes } from './flops.ts'
import { prune } from './transforms/prune.ts'
import { transform } from './transforms/transform.ts'

const mail = decodeModel(readFileSync(modelPath('mail')))

function pruned(model: Model, amounts: Schedule): Model {
  const result = transform(model, prune({ method: receivedAttention(), schedule: amounts }))
  return result.model
}

describe('multiply-adds of BERT', () => {
  // bert-cls-eager-ts11: 3 layers, hidden 32, feed-forward 40, 5 classes; see its fixture.json
  const [d, f, classes, layers] = [32, 40, 5, 3]
  const model = openFixture(fixture('bert-cls-eager-ts11'))
  const layer = (n: number): number => 4 * n * d * d + 2 * n * n * d + 2 * n * d * f
  const head = d * d + d * classes

  test('agree with a count by hand', () => {
    for (const [batch, n] of [
      [1, 1],
      [1, 12],
      [3, 7],
    ] as const) {
      expect(countFlops(model, { batch, tokens: n })).toBe(batch * (layers * layer(n) + head))
    }
  })

  test('count in the last layer without dead tokens all keys and values, and one token otherwise', () => {
    const result = transform(model, prune({ method: none(), schedule: new Map() }))
    const n = 12
    const lastLayer = 2 * n * d * d + 2 * d * d + 2 * n * d + 2 * d * f
    expect(countFlops(result.model, { batch: 2, tokens: n })).toBe(2 * (2 * layer(n) + lastLayer + head))
  })

  test('a cut leaves fewer multiply-adds, from the feed-forward part of its layer on', () => {
    const [n, k, heads] = [12, 7, 4]
    const result = transform(
      model,
      prune({
        method: receivedAttention(),
        schedule: schedule(layers, { layers: [1], tokens: k }),
        deadTokens: false,
      }),
    )
    const attention = (m: number): number => 4 * m * d * d + 2 * m * m * d
    // received attention sums the real query rows of every head by a product [1,n] × [n,n]
    const score = heads * n * n
    const expected = layer(n) + attention(n) + score + 2 * k * d * f + layer(k) + head
    expect(countFlops(result.model, { batch: 1, tokens: n })).toBe(expected)
  })
})

test('counts the kernel of a convolution for every result', () => {
  // vit-cls-static-ts11: an image 3×32×32 in patches of 8×8
  const result = countFlops(openFixture(fixture('vit-cls-static-ts11')), { batch: 1 })
  const [n, d, f, classes, layers] = [17, 32, 40, 5, 3]
  const patches = 16 * d * (3 * 8 * 8)
  expect(result).toBe(patches + layers * (4 * n * d * d + 2 * n * n * d + 2 * n * d * f) + d * classes)
})

describe('sizes', () => {
  test('give the same by a formula as by counting again', () => {
    const formula = flopsFormula(mail)
    for (const tokens of [8, 128, 512])
      expect(formula({ batch: 2, tokens })).toBe(countFlops(mail, { batch: 2, tokens }))
  })

  test('names sizes that are missing', () => {
    const error = catchError(() => countFlops(mail, { batch: 1 }))
    expect(isTpError(error) && error.code).toBe('TP_SIZES')
    expect(String(error)).toContain('sequence')
  })

  test('takes sizes as kept where only the data decide them', () => {
    const counts = [90, 60, 33, 20, 11]
    const fixed = pruned(mail, schedule(6, { tokens: counts }))
    const ragged = pruned(mail, schedule(6, { mass: 0.9 }))
    const kept = Object.fromEntries(counts.map((count, i) => [i + 1, count]))
    const at: Sizes = { batch: 4, tokens: 128 }
    expect(isTpError(catchError(() => countFlops(ragged, at)))).toBe(true)
    expect(countFlops(ragged, { ...at, kept })).toBe(countFlops(fixed, at))
  })
})

describe('a schedule for a share of the FLOPs', () => {
  const model = openFixture(fixture('bert-cls-eager-ts11'))
  const at: Sizes = { batch: 1, tokens: 100 }
  const target = { method: receivedAttention(), at, schedule: (keep: number) => schedule(3, { keep }) }

  test('takes at most that share, and no higher ratio does', () => {
    for (const share of [0.66, 0.7].slice(0, thorough(1, 2))) {
      const keep = keepForFlops(model, { ...target, share })
      const allowed = share * countFlops(model, at)
      expect(keep).toBeGreaterThan(0.01)
      expect(countFlops(pruned(model, schedule(3, { keep })), at)).toBeLessThanOrEqual(allowed)
      expect(countFlops(pruned(model, schedule(3, { keep: keep + 1e-4 })), at)).toBeGreaterThan(allowed)
    }
  }, 30_000)

  test('prunes nothing for all of them', () => {
    expect(keepForFlops(model, { ...target, share: 1 })).toBe(1)
  })

  test('refuses a share that cannot be reached or is not a share', () => {
    for (const share of [0.01, 0, 1.5, Number.NaN]) {
      const error = catchError(() => keepForFlops(model, { ...target, share }))
      expect(isTpError(error) && error.code).toBe('TP_FLOPS')
    }
  })
})

function catchError(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
