import { gradients } from '@tp/autodiff'
import { constant, div, evaluate, input, mul, sub, sum, type Tensor } from '@tp/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fixedPrice, priceOf } from './cost.ts'

const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 100, max: 200 })), {
  minLength: 1,
  maxLength: 5,
})

test('moves a policy by prices in the same direction as the gradient of the squared distance', () => {
  fc.assert(
    fc.property(sizes, fc.double({ min: 0, max: 1, noNaN: true }), (rows, target) => {
      const own = input('own', 'float32', [rows.length])
      const dense = constant(rows.map(([, size]) => size))
      const over = sub(div(sum(own, [0]), sum(dense, [0])), target)
      const [slope] = gradients(mul(mul(over, over), 3), [own])
      const price = priceOf({ own, dense }, mul(over, 2 * 3))
      // −reward of a row is own · ∂/∂own of the mean over the rows
      const data = Float32Array.from(rows, ([size]) => size)
      const feeds = { own: { type: 'float32', dims: [rows.length], data } } as const
      const [seen, expected] = evaluate([price, mul(mul(own, slope as Tensor), rows.length)], feeds, {
        precision: 'float64',
      })
      Array.from(seen?.data ?? [], Number).forEach((x, i) => {
        expect(x).toBeCloseTo(Number(expected?.data[i]), 8)
      })
    }),
  )
})

test('makes a fixed price a share of each row’s own FLOPs', () => {
  const [seen] = evaluate([fixedPrice({ own: constant([50, 30]), dense: constant([100, 40]) }, 0.5)], {})
  expect(Array.from(seen?.data ?? [], Number)).toEqual([0.25, 0.375])
})
