import {
  boundedMean,
  fewestForLoss,
  fewestForMean,
  figureLoss,
  type Interval,
  isMeanBelow,
  isScoredBelow,
  mean,
  type PairedCounts,
  pairedDifference,
  scaledInterval,
} from '@tp/metrics'
import type { Losses } from './measure-answers.ts'

/** Points of accuracy lost against dense, with 95 % intervals. */
export interface Loss {
  /** By the labels. */
  readonly labeled: Interval
  /** By the dense model's own probabilities. */
  readonly expected: Interval
}

export interface Tolerance {
  /** Points of accuracy. */
  readonly maxLoss: number
  /** Whether the whole 95 % interval of the loss must be within that, not its estimate alone. */
  readonly confident: boolean
}

/** The intervals miss the truth with probability 2.5 % at most on either side, for any answers and any number of them. */
export function lossOf({ labeled, expected, graded }: Losses): Loss {
  return {
    labeled: graded ? gradedLoss(labeled) : scaledInterval(pairedDifference(countsOf(labeled)), 100),
    expected: scaledInterval(boundedMean(expected.map((loss) => loss / 100)), 100),
  }
}

/** Losses of figures between 0 and 100 points, such as nDCG, by example. */
function gradedLoss(losses: readonly number[]): Interval {
  const none = { got: losses.map(() => 0), share: true }
  return scaledInterval(figureLoss(none, { got: losses.map((loss) => -loss / 100), share: true }), 100)
}

/** Whether both ways of counting are within the allowed loss. */
export function isWithin({ maxLoss, confident }: Tolerance, { labeled, expected }: Loss): boolean {
  return [labeled, expected].every(({ estimate, high }) => (confident ? high : estimate) <= maxLoss)
}

/** An approximation that is fast, for choosing among many; the choice is verified exactly. */
export function seemsWithin({ maxLoss, confident }: Tolerance, { labeled, expected }: Losses): boolean {
  if (mean(labeled) > maxLoss || mean(expected) > maxLoss) return false
  if (!confident) return true
  const within = maxLoss / 100
  return (
    isScoredBelow(countsOf(labeled), within) &&
    isMeanBelow(
      expected.map((loss) => loss / 100),
      within,
    )
  )
}

/** The fewest verification examples that can show it, if not one answer differs. */
export function fewestToBeConfident(maxLoss: number): number {
  return Math.max(fewestForLoss(maxLoss / 100), fewestForMean(maxLoss / 100))
}

function countsOf(labeled: readonly number[]): PairedCounts {
  const onlyFirst = labeled.filter((loss) => loss > 0).length
  return { examples: labeled.length, onlyFirst, onlySecond: labeled.filter((loss) => loss < 0).length }
}
