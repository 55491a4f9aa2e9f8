import { expect, test } from 'vitest'
import { uniformWithin } from './uniform.ts'

const keepOf = ({ keep }: { keep?: number | readonly number[] | undefined }): number => [keep].flat()[0] as number

test('finds the smallest ratio that loses no more, with the first layer and without it', async () => {
  const plans = await uniformWithin({
    layers: 6,
    ways: [{ method: 'balanced', params: { values: true } }],
    losesMore: async (plan) => keepOf(plan) < ((plan.layers as readonly number[])?.[0] === 0 ? 0.5 : 0.3),
  })
  expect(plans.map(({ layers, keep }) => [layers, [keep].flat()[0]])).toEqual([
    [[0, 1, 2, 3, 4], 0.5],
    [[1, 2, 3, 4], 0.3],
  ])
  expect(plans[0]).toMatchObject({ method: 'balanced', params: { values: true } })
})

test('finds nothing where every ratio loses more', async () => {
  expect(await uniformWithin({ layers: 6, ways: [{ method: 'balanced' }], losesMore: async () => true })).toEqual([])
})
