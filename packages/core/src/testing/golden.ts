import { expect } from 'vitest'
import type { Tensor } from '../expression/tensor.ts'
import { constant } from '../ops/index.ts'

/** An array of a recorded case, row-major. */
export interface GoldenArray {
  readonly dtype: 'float32' | 'int64'
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** The results of the authors' code of a method in one case; source and licence are in each file. */
export interface GoldenCase {
  readonly params: Readonly<Record<string, unknown>>
  readonly inputs: Readonly<Record<string, GoldenArray>>
  readonly outputs: Readonly<Record<string, GoldenArray>>
}

/** @throws Error if the case has no array of that name */
export function arrayOf(values: Readonly<Record<string, GoldenArray>>, name: string): GoldenArray {
  const array = values[name]
  if (array === undefined) throw new Error(`the case has no ${name}`)
  return array
}

export function tensorOf({ dtype, shape, data }: GoldenArray): Tensor {
  return constant(data, dtype, shape)
}

/** Part `row` along the first axis, which is kept with size 1. */
export function rowOf({ dtype, shape, data }: GoldenArray, row: number): GoldenArray {
  const size = data.length / (shape[0] as number)
  return { dtype, shape: [1, ...shape.slice(1)], data: data.slice(row * size, (row + 1) * size) }
}

/** [B,…] as one list for each row. */
export function rowsOf({ shape, data }: GoldenArray): number[][] {
  const size = data.length / (shape[0] as number)
  return Array.from({ length: shape[0] as number }, (_, row) => data.slice(row * size, (row + 1) * size))
}

/** Positions of the ones in each row. */
export function marked(array: GoldenArray): number[][] {
  return rowsOf(array).map((row) => row.flatMap((mark, i) => (mark === 1 ? [i] : [])))
}

export function sorted(list: readonly number[]): number[] {
  return [...list].sort((a, b) => a - b)
}

/** How far a number may be from a recorded one: within `absolute` + `relative`·|b|. */
export interface NumberTolerance {
  readonly absolute: number
  readonly relative: number
}

const ofValues: NumberTolerance = { absolute: 1e-5, relative: 1e-4 }

/** The tolerance of recorded gradients. */
export const ofGradients: NumberTolerance = { absolute: 1e-5, relative: 1e-3 }

/** Within a tolerance; default: that of recorded values, 1e-5 + 1e-4·|b|. */
export function expectClose(
  seen: readonly number[],
  expected: readonly number[],
  what: string,
  { absolute, relative }: NumberTolerance = ofValues,
): void {
  expect(seen.length, what).toBe(expected.length)
  const far = seen.flatMap((x, i) => {
    const y = expected[i] as number
    return Math.abs(x - y) <= absolute + relative * Math.abs(y) ? [] : [`[${i}] ${x} instead of ${y}`]
  })
  expect(far, what).toEqual([])
}
