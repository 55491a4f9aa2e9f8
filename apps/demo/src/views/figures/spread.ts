import { median } from '@tp/core/statistics'
/** The middle value, and between what the middle 80 % lie. */
export interface Spread {
  readonly middle: number
  readonly from: number
  readonly to: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return { middle: median(values), from: at(0.1), to: at(0.9) }
}
