import type { Interval, Speedup } from '@tp/eval/metrics'
import { factor, interval, points } from '../../output/numbers.ts'

/** `3.10× (2.90 … 3.20)` */
export function speedupText({ value, low, high }: Speedup): string {
  return `${factor(value)} (${interval({ low, high })})`
}

/** What a loss says: its sign, or that it has none. */
export function lossWords({ low, high }: Interval): string {
  if (low > 0) return 'which can be measured'
  return high < 0 ? 'which is a gain' : 'which cannot be told from none'
}

/** What a speed-up says. */
export function speedWords({ low, high }: Speedup): 'faster' | 'slower' | 'undecided' {
  if (low > 1) return 'faster'
  return high < 1 ? 'slower' : 'undecided'
}

/** `0.1 points (−0.4 … 0.6)` */
export function pointsText(loss: Interval): string {
  const [estimate, bounds] = points(loss).split(' (')
  return `${estimate} points (${bounds}`
}

/** `a, b and c` */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
