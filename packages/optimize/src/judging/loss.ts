import {
  boundedMean,
  fewestForLoss,
  fewestForMean,
  figureInterval,
  figureLoss,
  type Interval,
  isMeanBelow,
  isScoredBelow,
  mean,
  type PairedCounts,
  pairedDifference,
  scaledInterval,
  upperMean,
} from '@tp/metrics'
import type { Losses, TagFigures } from './answers.ts'
import { countsHalf } from './tag-losses.ts'
import { pairLoss } from './vectors/pair-losses.ts'

/** Points of accuracy lost against dense, with 95 % intervals. */
export interface Loss {
  /** By the labels; absent where there are none. */
  readonly labeled?: Interval | undefined
  /** By the dense model's own probabilities. */
  readonly expected: Interval
  /** Answers that are not the dense model's, in percent: no more points can be lost. Absent where answers are more or less right. */
  readonly changed?: Interval | undefined
}

export interface Tolerance {
  /** Points of accuracy. */
  readonly maxLoss: number
  /** Whether the whole 95 % interval of the loss must be within that, on examples that no choice has seen. */
  readonly confident: boolean
  /** Whether the choice is among many by examples that nothing confirms: chance flatters the fastest of them. Default: false. */
  readonly isUnconfirmed?: boolean | undefined
}

/** The intervals miss the truth with probability 2.5 % at most on either side, for any answers and any number of them. */
export function lossOf({ labeled, expected, changed, graded, mayGain, tags, pairs }: Losses): Loss {
  if (tags !== undefined) return lossOfTags(tags)
  if (mayGain) {
    const loss = pairs === undefined ? gradedLoss(expected) : pairLoss(pairs)
    return { labeled: loss, expected: loss }
  }
  return {
    labeled: labeled && (graded ? gradedLoss(labeled) : scaledInterval(pairedDifference(countsOf(labeled)), 100)),
    expected: scaledInterval(boundedMean(expected.map((loss) => loss / 100)), 100),
    changed: changed && scaledInterval(figureInterval({ got: changed.map((one) => one / 100), share: true }), 100),
  }
}

function lossOfTags(tags: TagFigures): Loss {
  const { against, expected, labeled } = tags
  const { estimate, low, high } = figureInterval(against)
  const half = scaledInterval({ estimate: 1 - estimate, low: 1 - high, high: 1 - low }, 50)
  const likely = expected && scaledInterval(figureLoss(expected.dense, expected.changed), 100)
  return {
    labeled: labeled && scaledInterval(figureLoss(labeled.dense, labeled.changed), 100),
    expected: likely === undefined || countsHalf(tags) ? half : likely,
  }
}

/** Losses of figures between 0 and 100 points, such as nDCG, by example. */
function gradedLoss(losses: readonly number[]): Interval {
  const none = { got: losses.map(() => 0), share: true }
  return scaledInterval(figureLoss(none, { got: losses.map((loss) => -loss / 100), share: true }), 100)
}

/** The one-sided confidence of the bound that a candidate is chosen by. */
const CHOSEN_AT = { confirmed: 0.8, unconfirmed: 0.95 } as const

/**
 * Whether a candidate may be chosen: by the upper end of its expected loss. Labels of few changed answers say little, so they do not
 * decide, unless a confident bound is to be verified, which requires both. Without labels nothing says how far probabilities are right, so
 * that half of the changed answers have to be within the allowed loss, too (docs/findings.md).
 */
export function seemsWithin({ maxLoss, confident, isUnconfirmed }: Tolerance, losses: Losses): boolean {
  if (confident) return seemsProven(maxLoss, losses)
  const { labeled, expected, changed } = losses
  const most = labeled === undefined && changed !== undefined ? upperMean(changed, CHOSEN_AT.confirmed) / 2 : 0
  return Math.max(upperMean(expected, CHOSEN_AT[isUnconfirmed ? 'unconfirmed' : 'confirmed']), most) <= maxLoss
}

/** The one-sided confidence with which a few examples rule a candidate out. */
const RULED_OUT_AT = 0.975

/**
 * Whether a few examples say that more is lost than is allowed: by their interval, or because they alone lose more than all may lose
 * together, where no example has a negative expected loss.
 * @param share these examples among all
 */
export function surelyBeyond(maxLoss: number, { expected, mayGain }: Losses, share: number): boolean {
  if (expected.length < 2) return false
  const least = -upperMean(
    expected.map((loss) => -loss),
    RULED_OUT_AT,
  )
  return Math.max(least, mayGain ? 0 : share * mean(expected)) > maxLoss
}

/** An approximation of {@link isProven} that is fast. */
export function seemsProven(maxLoss: number, losses: Losses): boolean {
  const { expected, labeled = losses.changed ?? [] } = losses
  if (mean(labeled) > maxLoss || mean(expected) > maxLoss) return false
  const within = maxLoss / 100
  return (
    isScoredBelow(countsOf(labeled), within) &&
    isMeanBelow(
      expected.map((loss) => loss / 100),
      within,
    )
  )
}

/** Whether the whole interval of both ways of counting is within the allowed loss; without labels that of the answers changed. */
export function isProven(maxLoss: number, { labeled, expected, changed }: Loss): boolean {
  return (labeled ?? changed ?? expected).high <= maxLoss && expected.high <= maxLoss
}

/** Whether labels say, with 97.5 % confidence, that more is lost than is allowed. */
export function isContradicted(maxLoss: number, { labeled }: Loss): boolean {
  return labeled !== undefined && labeled.low > maxLoss
}

/** The fewest verification examples that can show it, if not one answer differs. */
export function fewestToBeConfident(maxLoss: number): number {
  return Math.max(fewestForLoss(maxLoss / 100), fewestForMean(maxLoss / 100))
}

function countsOf(labeled: readonly number[]): PairedCounts {
  const onlyFirst = labeled.filter((loss) => loss > 0).length
  return { examples: labeled.length, onlyFirst, onlySecond: labeled.filter((loss) => loss < 0).length }
}
