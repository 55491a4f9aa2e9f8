import type { Interval, McNemar } from '@tp/eval'

export function percent(value: number): string {
  return `${value.toFixed(1)} %`
}

/** `0.021`; below a thousandth the number says no more. */
export function pValue(p: number | undefined): string {
  if (p === undefined) return '–'
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** McNemar's test with the dense model as the first. */
export function mcnemarContent(test: McNemar | undefined): object | null {
  if (test === undefined) return null
  const { onlyFirst, onlySecond, p, exact } = test
  return { onlyDense: onlyFirst, onlyPruned: onlySecond, p, exact }
}

export function times({ estimate, low, high }: Interval, factor: number): Interval {
  return { estimate: factor * estimate, low: factor * low, high: factor * high }
}
