import { expect, test } from 'vitest'
import { initialValues } from './initial-values.ts'

test('gives sizes by name and rounds parts of them down', () => {
  const { half, square } = initialValues(
    { half: { dims: ['D/2', 1], init: 3 }, square: { dims: ['H', 'H'], init: 'identity' } },
    { D: 7, H: 2 },
    Math.random,
  )
  expect([half?.dims, [...(half?.data ?? [])]]).toEqual([
    [3, 1],
    [3, 3, 3],
  ])
  expect([...(square?.data ?? [])]).toEqual([1, 0, 0, 1])
})

test('refuses an unknown size', () => {
  const unknown = (dim: string) => () => initialValues({ weight: { dims: [dim], init: 0 } }, { D: 8 }, Math.random)
  for (const dim of ['T', 'T/2']) expect(unknown(dim)).toThrow(expect.objectContaining({ code: 'TP_METHOD' }))
})
