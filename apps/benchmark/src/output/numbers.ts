import type { Interval } from '@tp/eval/metrics'

/** `98.1 ± 0.4`, where the interval is half as wide to either side on average. */
export function plusMinus({ estimate, low, high }: Interval): string {
  return `${estimate.toFixed(1)} ± ${((high - low) / 2).toFixed(1)}`
}

/** `0.3 (−0.1 … 0.8)`: an estimate in points with its interval. */
export function points({ estimate, low, high }: Interval): string {
  return `${signed(estimate)} (${signed(low)} … ${signed(high)})`
}

/** `2.10 … 2.25`: the interval of a factor. */
export function interval({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${low.toFixed(2)} … ${high.toFixed(2)}`
}

/** `2.18×` */
export function factor(value: number): string {
  return `${value.toFixed(2)}×`
}

/** `1.2e-7`; `0` where two results are equal to the last bit. */
export function differenceText(value: number): string {
  return value === 0 ? '0' : value.toExponential(1)
}

/** One decimal, with a minus sign and no minus zero. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(1)
  return value < 0 && text !== '0.0' ? `−${text}` : text
}

/** `3.4 %`, of a share in 0…1. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`
}
