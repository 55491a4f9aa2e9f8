import { type Interval, pairedSpeedup } from '@tp/metrics'
import type { RunTimes } from '../../engine/timing.ts'
import type { Class } from './classes.ts'

/** How something is shown: what speaks for the setting, what to look at, what speaks against it; or nothing that was measured. */
type Tone = 'good' | 'warning' | 'bad' | 'none'

/** A sentence that is as sure as the figures are. */
export interface Judgment {
  readonly tone: Tone
  readonly text: string
}

export interface Speed {
  /** Median of the ratios of neighboring runs. */
  readonly factor: number
  readonly low: number
  readonly high: number
  readonly rounds: number
  readonly judgment: Judgment
}

/** By the 95 % interval: one that covers 1 tells nothing. */
export function speedOf(times: RunTimes): Speed {
  const { value: factor, low, high } = pairedSpeedup(times.dense, times.pruned)
  const judgment: Judgment =
    low > 1
      ? { tone: 'good', text: 'as fast' }
      : high < 1
        ? { tone: 'bad', text: 'as fast: slower' }
        : { tone: 'none', text: 'No measurable difference' }
  return { factor, low, high, rounds: times.dense.length, judgment }
}

/** From so many points on, a confidence that falls is worth a look. */
const NOTABLE_FALL = 0.1

/** The change of the likeliest class. */
export function judgeAnswer(dense: readonly Class[], pruned: readonly Class[]): Judgment {
  const [before, after] = [dense[0], pruned[0]]
  if (before === undefined || after === undefined) return { tone: 'none', text: '' }
  if (before.name !== after.name) {
    return { tone: 'bad', text: `Another answer: ${after.name} instead of ${before.name}. Keep more.` }
  }
  if (before.share - after.share >= NOTABLE_FALL) {
    const text = `Still ${after.name}, but less confident: ${percent(before.share)} became ${percent(after.share)}.`
    return { tone: 'warning', text }
  }
  return { tone: 'good', text: `The same answer: ${after.name}.` }
}

/** @param loss how much more often the dense model is right, −1 … 1 */
export function judgeLoss(loss: Interval): Judgment {
  const range = `${points(loss.low)} … ${points(loss.high)}`
  if (loss.low > 0) return { tone: 'bad', text: `${points(loss.estimate)} points lost (${range}).` }
  if (loss.high < 0) return { tone: 'good', text: `${points(-loss.estimate)} points gained.` }
  return { tone: 'none', text: `No measurable difference: ${points(loss.estimate)} points lost (${range}).` }
}

/** With a true minus sign, and without one for zero. */
export function points(share: number): string {
  const rounded = (100 * share).toFixed(1)
  return rounded === '-0.0' ? '0.0' : rounded.replace('-', '−')
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
