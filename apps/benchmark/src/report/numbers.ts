import type { Interval, Speedup } from '@tp/metrics'

/** `2.10 … 2.25`: the interval of a factor. */
export function interval({ low, high }: Pick<Speedup, 'low' | 'high'>): string {
  return `${low.toFixed(2)} … ${high.toFixed(2)}`
}

/** `1.2e-7`; `0` where two results are equal to the last bit, nothing where there is no number. */
export function differenceText(value: number | undefined): string {
  if (value === undefined) return ''
  return value === 0 ? '0' : value.toExponential(1)
}

/** `3.4 %`, of a share in 0…1. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`
}

/** `3.4 % (2.1 … 5.0)`, of a share in 0…1. */
export function percentInterval({ estimate, low, high }: Interval): string {
  return `${percent(estimate)} (${(100 * low).toFixed(1)} … ${(100 * high).toFixed(1)})`
}
