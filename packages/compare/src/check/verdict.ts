import type { Interval, Speedup } from '@tp/metrics'
import type { ComparedLoss } from '../tasks/comparer.ts'
import { FEWEST_TO_BE_SAFE } from '../tasks/safety.ts'
import { amountOf, factor, points, speedUpText } from '../texts.ts'

/** Conditions that a pruned model has to meet. */
export interface Demands {
  /** The allowed loss, in the unit of the loss. */
  readonly maxLoss: number
  /** Whether the whole interval of the loss must be within that, not its estimate alone; without labels the share of answers changed. */
  readonly confident: boolean
  /** How many times as fast as the dense model it has to be; absent: not slower. */
  readonly minSpeedup?: number | undefined
}

interface Measured {
  readonly loss: ComparedLoss
  readonly speedup: Speedup
  readonly examples: number
  /** Examples that chose the pruned model's plan, or taught it, … */
  readonly chose?: number
  /** … whether some of these only may have, … */
  readonly isUnsure?: boolean
  /** … and whether all that are judged are others. Default: true. */
  readonly isOfOthers?: boolean
}

/** Whether a pruned model is faster and as accurate, in one sentence. */
export interface Verdict {
  readonly answer: 'yes' | 'no' | 'not shown'
  readonly text: string
  /** Whether the demands hold: with `yes`, and with `not shown` unless confidence is demanded. */
  readonly passed: boolean
}

/** Points of an interval that are shown as 0. */
const SHOWN = 0.05

export function verdictOf(measured: Measured, demands: Demands): Verdict {
  const { examples, chose = 0, isUnsure = false, isOfOthers = true } = measured
  const verdict = verdictByLoss(measured, demands)
  if (chose === 0) return verdict
  const count = chose.toLocaleString('en-US')
  const did = isUnsure ? 'chose or taught it, or may have' : 'chose or taught it'
  if (isOfOthers) {
    const seen = `${count} more examples ${did}, and are not counted`
    return { ...verdict, text: `${verdict.text}; ${seen}` }
  }
  const seen = `${count} of ${examples.toLocaleString('en-US')} examples ${did}, and flatter it; give others`
  if (verdict.answer !== 'yes') return { ...verdict, text: `${verdict.text}; ${seen}` }
  return notShown(`${verdict.text.replace(/^yes: /, '')}; but ${seen}`, !demands.confident)
}

function verdictByLoss(measured: Measured, demands: Demands): Verdict {
  const { loss, speedup } = measured
  const { maxLoss, confident, minSpeedup } = demands
  const { unit, interval, same, unshown, most = interval.high, drawn } = loss
  const examples = drawn ?? measured.examples
  const high = confident ? Math.max(interval.high, most) : interval.high
  const speed = speedUpText(speedup)
  const allowed = `${maxLoss} ${maxLoss === 1 ? 'is' : 'are'} allowed`
  if (!same && interval.estimate > maxLoss)
    return no(`it loses ${points(interval)} ${unit}, and ${allowed}; ${speed} as fast as dense`)
  if (minSpeedup !== undefined && speedup.value < minSpeedup)
    return no(`it is ${speed} as fast as dense, and ${factor(minSpeedup)} is demanded; ${lossText(loss)}`)
  if (minSpeedup === undefined && speedup.high < 1)
    return no(`it is slower: ${speed} as fast as dense; ${lossText(loss)}`)
  if (!same && unshown !== undefined)
    return notShown(`${speed} as fast as dense, but the dense model ${unshown}`, !confident)
  const isWithin = high <= Math.max(maxLoss, SHOWN)
  const isOfFew = drawn !== undefined && drawn < FEWEST_TO_BE_SAFE
  if (!same && (!isWithin || isOfFew)) {
    const few = `${examples.toLocaleString('en-US')} ${examples === 1 ? 'example does' : 'examples do'} not show`
    const claim = `that it loses at most ${amountOf(maxLoss, unit)}: ${points({ ...interval, high })}`
    const enough = isWithin
      ? `; it takes ${FEWEST_TO_BE_SAFE}`
      : examplesToShow({ estimate: interval.estimate, high }, maxLoss, examples)
    return notShown(`${speed} as fast as dense, but ${few} ${claim}${enough}`, !confident)
  }
  if (minSpeedup === undefined && speedup.low <= 1)
    return notShown(
      `as accurate, with no measurable difference in speed: ${speed} as fast as dense; ${lossText(loss)}`,
      true,
    )
  return { answer: 'yes', text: `yes: ${speed} as fast as dense, and ${lossText(loss)}`, passed: true }
}

/** More examples than so many times those at hand are not worth a word. */
const MOST_TIMES = 100

/** How many examples would show it if they lost as much: an interval narrows with the root of their number. */
function examplesToShow(
  { estimate, high }: Pick<Interval, 'estimate' | 'high'>,
  most: number,
  examples: number,
): string {
  const times = ((high - estimate) / (most - estimate)) ** 2
  if (!(times <= MOST_TIMES)) return ''
  return `; about ${roundedUp(times * examples).toLocaleString('en-US')} like these would`
}

/** To two digits, and never to as many as did not show it. */
function roundedUp(count: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1)
  return step * Math.ceil(Number((count / step).toFixed(6)))
}

function no(why: string): Verdict {
  return { answer: 'no', text: `no: ${why}`, passed: false }
}

function notShown(why: string, passed: boolean): Verdict {
  return { answer: 'not shown', text: `not shown: ${why}`, passed }
}

function lossText({ unit, interval, same }: ComparedLoss): string {
  return same ? 'all outputs are the dense ones' : `it loses ${points(interval)} ${unit}`
}
