import {
  add,
  argMax,
  cast,
  constant,
  evaluate,
  input,
  iterate,
  mul,
  reshape,
  round,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import { describe, expect, test } from 'vitest'
import { gradients } from './index.ts'

const arrays = (tensors: readonly Tensor[], feeds: Parameters<typeof evaluate>[1]): number[][] =>
  evaluate(tensors, feeds).map(({ data }) => Array.from(data as Float32Array))

describe('gradients', () => {
  test('gradients are 0 through steps and stopped gradients, and the soft slope through a straight-through estimator', () => {
    const of = (x: Tensor): Tensor => add(x, stopGradient(sub(round(x), x)))
    const x = input('x', 'float32', [3])
    const value = { x: { type: 'float32', dims: [3], data: Float32Array.of(0.2, 0.7, 1.6) } }
    const loss = (y: Tensor): Tensor => sum(mul(y, 2), 0)
    const seen = [of(x), ...gradients(loss(of(x)), [x]), ...gradients(loss(round(x)), [x])]
    expect(arrays(seen, value)).toEqual([
      [0, 1, 2],
      [2, 2, 2],
      [0, 0, 0],
    ])
  })

  test('do not exist for a loop, and the error says what to do', () => {
    const x = input('x', 'float32', [2])
    const [y] = iterate(3, [x], ([a]) => [mul(a as Tensor, 2)]) as [Tensor]
    expect(() => gradients(sum(y, 0), [x])).toThrow('Loop: a loop has no gradient here: keep it out of what learns')
    expect(gradients(sum(add(stopGradient(y), x), 0), [x])).toHaveLength(1)
  })

  test('gradients are 0 for a value that a loss does not depend on, and a sum for one that it reads twice', () => {
    const [x, y] = [input('x', 'float32', [2]), input('y', 'float32', [2])]
    const found = gradients(sum(mul(x, x), 0), [x, y, x])
    expect(
      arrays(found, {
        x: { type: 'float32', dims: [2], data: Float32Array.of(3, 4) },
        y: { type: 'float32', dims: [2], data: Float32Array.of(3, 4) },
      }),
    ).toEqual([
      [6, 8],
      [0, 0],
      [6, 8],
    ])
  })

  test('refuses a loss through an operator without a rule, and names the value', () => {
    const x = input('x', 'float32', [3])
    const pool = operators.get('MaxPool') as Op
    const y = applyOne(pool, [reshape(x, [1, 1, 3])], { kernel_shape: [2], strides: [1], dilations: [1], pads: [0, 0] })
    const names = new Map([[y, '/pool']])
    expect(() => gradients(sum(y, [0, 1, 2]), [x], { nameOf: (tensor) => names.get(tensor) })).toThrow(
      expect.objectContaining({
        code: 'TP_GRADIENT',
        message: expect.stringContaining('MaxPool that gives "/pool"'),
      }),
    )
  })

  test('refuses a loss through numbers that are rounded to integers, instead of saying that it has no slope', () => {
    const x = input('x', 'float32', [2, 2])
    const one = constant(Float32Array.of(0.1), 'float32', [])
    const zero = constant([128], 'uint8', [])
    const rounded = applyOne(operators.get('QuantizeLinear') as Op, [x, one, zero], {})
    const product = applyOne(
      operators.get('MatMulInteger') as Op,
      [transpose(rounded, [1, 0]), rounded, zero, zero],
      {},
    )
    expect(() => gradients(sum(cast(product, 'float32'), [0, 1]), [x])).toThrow(
      expect.objectContaining({ code: 'TP_GRADIENT', message: expect.stringContaining('Cast: it reads activations') }),
    )
    // The place of the largest is an integer, too, and has no slope.
    const largest = cast(argMax(x, 1, { keepDims: true }), 'float32')
    expect(gradients(sum(largest, [0, 1]), [x])).toHaveLength(1)
  })

  test('refuses a loss that is not a scalar', () => {
    expect(() => gradients(input('x', 'float32', [2]), [])).toThrow(expect.objectContaining({ code: 'TP_SHAPE' }))
  })
})
