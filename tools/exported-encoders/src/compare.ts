import type { TensorLike } from '@tp/core/runtime'

export function numbers(tensor: TensorLike | undefined): number[] {
  if (tensor === undefined) throw new Error('an output is missing')
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number)
}

/** A tensor [b,…] as one list of numbers for each row. */
export function rows(tensor: TensorLike | undefined): number[][] {
  const all = numbers(tensor)
  const count = tensor?.dims[0] ?? 0
  const width = all.length / Math.max(1, count)
  return Array.from({ length: count }, (_, row) => all.slice(row * width, (row + 1) * width))
}

/** Largest difference between two lists of numbers, over the larger of 1 and the largest number in `expected`. */
export function difference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  const scale = Math.max(1, ...expected.map(Math.abs))
  // a NaN has to come out as one: Math.max passes it on
  return Math.max(0, ...actual.map((x, i) => Math.abs(x - (expected[i] as number)))) / scale
}
