import type { McNemar } from '@tp/metrics'

/** McNemar's test in JSON, of the dense model and a pruned one, or of a first and a second pruned one. */
export function mcnemarContent(test: McNemar | undefined, second: 'Pruned' | 'Second' = 'Pruned'): object | null {
  if (test === undefined) return null
  const { onlyFirst, onlySecond, p, exact } = test
  const first = second === 'Pruned' ? 'Dense' : 'First'
  return { [`only${first}`]: onlyFirst, [`only${second}`]: onlySecond, p, exact }
}
