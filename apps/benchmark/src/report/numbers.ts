import type { Interval, Speedup } from '@tp/metrics'

/** `0.3 (−0.1 … 0.8)`: an estimate in percent or points with its interval. */
export function points({ estimate, low, high }: Interval): string {
  return `${signed(estimate)} (${signed(low)} … ${signed(high)})`
}

/** `2.10 … 2.25`: the interval of a factor. */
export function interval({ low, high }: Pick<Speedup, 'low' | 'high'>): string {
  return `${low.toFixed(2)} … ${high.toFixed(2)}`
}

/** `2.18×` */
export function factor(value: number): string {
  return `${value.toFixed(2)}×`
}

/** `3.10× (2.90 … 3.20)` */
export function speedupText(speedup: Speedup): string {
  return `${factor(speedup.value)} (${interval(speedup)})`
}

/** `1.2e-7`; `0` where two results are equal to the last bit, nothing where there is no number. */
export function differenceText(value: number | undefined): string {
  if (value === undefined) return ''
  return value === 0 ? '0' : value.toExponential(1)
}

/** One decimal, with a minus sign and no minus zero. */
function signed(value: number): string {
  const text = Math.abs(value).toFixed(1)
  return value < 0 && text !== '0.0' ? `−${text}` : text
}

/** `3.4 %`, of a share in 0…1. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`
}

/** `3.4 % (2.1 … 5.0)`, of a share in 0…1. */
export function percentInterval({ estimate, low, high }: Interval): string {
  return `${percent(estimate)} (${(100 * low).toFixed(1)} … ${(100 * high).toFixed(1)})`
}
