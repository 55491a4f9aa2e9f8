import { readFileSync } from 'node:fs'
import { countFlops, inspect, type Plan, transform, transformsOf } from '@tp/compiler'
import { methods } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { planForFlops } from './plan-for-flops.ts'

const small = decodeModel(
  readFileSync(
    new URL('../../../../tools/exported-encoders/fixtures/distilbert-cls-eager-ts14/model.onnx', import.meta.url),
  ),
)
const plan: Plan = { format: 1, method: 'received-attention', layers: [0, 1] }

function planned(model: Model, share: number, tokens?: number): Plan {
  const found = inspect(model)
  if (!found.ok) throw new Error(found.refusal.message)
  return planForFlops(model, found, { plan, methods, share, tokens })
}

test('finds the highest keep ratio within a share of the FLOPs', () => {
  const { keep, ...rest } = planned(small, 0.7, 128)
  expect(rest).toEqual(plan)
  const shareAt = (ratio: number): number => {
    const { model } = transform(small, ...transformsOf({ ...plan, keep: ratio }, methods))
    return countFlops(model, { batch: 1, tokens: 128 }) / countFlops(small, { batch: 1, tokens: 128 })
  }
  expect(shareAt(keep as number)).toBeLessThanOrEqual(0.7)
  expect(shareAt((keep as number) + 0.01)).toBeGreaterThan(0.7)
  expect(() => planned(small, 0.7)).toThrow(expect.objectContaining({ code: 'TP_SIZES' }))
})

test('refuses another number of tokens than a model of images has', () => {
  const digits = decodeModel(readFileSync(modelPath('digits-vit')))
  expect(() => planned(digits, 0.8, 300)).toThrow(/always has 197; leave that out/)
})
