import { expect, test } from 'vitest'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { add, constant, equal, input, iterate, mul, sum, unsqueeze, where } from './index.ts'

const x = input('x', 'float32', ['B', 'N'])
const count = input('count', 'int64', [])
const rows = { type: 'float32', dims: [1, 3], data: Float32Array.of(1, 2, 3) } as const
const times = (n: bigint) => ({ type: 'int64', dims: [], data: BigInt64Array.of(n) }) as const

test('repeats a body as often as a value says', () => {
  const [y] = iterate(count, [x], ([a]) => [mul(a as Tensor, 2)]) as [Tensor]
  expect(String(y)).toBe('float32[B,N]')
  for (const [n, factor] of [
    [0n, 1],
    [1n, 2],
    [5n, 32],
  ] as const) {
    const [result] = evaluate([y], { x: rows, count: times(n) })
    expect(Array.from(result?.data as Float32Array)).toEqual([1, 2, 3].map((value) => value * factor))
  }
})

test('gives the body the number of the step', () => {
  const [steps] = iterate(3, [constant([0], 'int64', [])], ([a], step) => [add(mul(a as Tensor, 10), step)]) as [Tensor]
  expect(evaluate([steps], {})[0]?.data).toEqual(BigInt64Array.of(12n))
})

test('computes what does not change from step to step before the loop', () => {
  const total = sum(x, 1, { keepDims: true })
  const [y] = iterate(4, [x], ([a]) => [where(equal(a as Tensor, total), 0, a as Tensor)]) as [Tensor]
  expect(y.node.inputs).toContain(total)
})

test('refuses a state that changes its shape or type', () => {
  expect(() => iterate(2, [x], ([a]) => [unsqueeze(a as Tensor, 2)])).toThrow(
    'state 0 is float32[B,N] and becomes float32[B,N,1]',
  )
  expect(() => iterate(2, [x], ([a]) => [equal(a as Tensor, 1)])).toThrow(
    'state 0 is float32[B,N] and becomes bool[B,N]',
  )
  expect(() => iterate(2, [x, x], ([a]) => [a as Tensor])).toThrow('its body gives 1 states for 2')
  expect(() => iterate(constant([1, 2], 'int64'), [x], ([a]) => [a as Tensor])).toThrow(/Squeeze/)
})
