import type { McNemar } from '@tp/metrics'

export function percent(value: number): string {
  return `${value.toFixed(1)} %`
}

/** `0.021`; below a thousandth the number says no more. */
export function pValue(p: number | undefined): string {
  if (p === undefined) return '–'
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** McNemar's test in JSON, of the dense model and a pruned one, or of a first and a second pruned one. */
export function mcnemarContent(test: McNemar | undefined, second: 'Pruned' | 'Second' = 'Pruned'): object | null {
  if (test === undefined) return null
  const { onlyFirst, onlySecond, p, exact } = test
  const first = second === 'Pruned' ? 'Dense' : 'First'
  return { [`only${first}`]: onlyFirst, [`only${second}`]: onlySecond, p, exact }
}
