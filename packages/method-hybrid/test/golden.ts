import { readFileSync } from 'node:fs'
import type { Tensor } from '@tp/core'
import { constant } from '@tp/core'
import { expect } from 'vitest'

/** An array as the recorded cases hold it, row-major. */
export interface GoldenArray {
  readonly dtype: 'float32' | 'int64'
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** What the authors' code computed in one case (`golden/`, with source and licence in each file). */
export interface GoldenCase {
  readonly params: Readonly<Record<string, unknown>>
  readonly inputs: Readonly<Record<string, GoldenArray>>
  readonly outputs: Readonly<Record<string, GoldenArray>>
}

export function goldenCase(name: string): GoldenCase {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))
}

export function arrayOf(values: Readonly<Record<string, GoldenArray>>, name: string): GoldenArray {
  const array = values[name]
  if (array === undefined) throw new Error(`the case has no ${name}`)
  return array
}

export function tensorOf({ dtype, shape, data }: GoldenArray): Tensor {
  return constant(data, dtype, shape)
}

/** [B,N] as lists. */
export function rowsOf({ shape, data }: GoldenArray): number[][] {
  const size = data.length / (shape[0] as number)
  return Array.from({ length: shape[0] as number }, (_, row) => data.slice(row * size, (row + 1) * size))
}

export function sorted(list: readonly number[]): number[] {
  return [...list].sort((a, b) => a - b)
}

/** Within 1e-5 + 1e-4·|b|, the tolerance of the recorded cases. */
export function expectClose(seen: readonly number[], wanted: readonly number[], what: string): void {
  expect(seen.length, what).toBe(wanted.length)
  const far = seen.flatMap((x, i) => {
    const y = wanted[i] as number
    return Math.abs(x - y) <= 1e-5 + 1e-4 * Math.abs(y) ? [] : [`[${i}] ${x} instead of ${y}`]
  })
  expect(far, what).toEqual([])
}
