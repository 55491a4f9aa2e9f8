import { isTpError } from '@tp/core'
import { randomNumbers, upperBound } from '@tp/core/statistics'

import {
  type Figure,
  figureInterval,
  figureLoss,
  type Interval,
  pairedCounts,
  proportionInterval,
} from '@tp/eval/metrics'
import { answerOf, calibrateCascade, uncertaintyOf } from '@tp/guard'
import { type Losses, type Tolerance, verifyInSequence } from '@tp/tune'
import { mean } from 'simple-statistics'
import { percentInterval } from '../report/numbers.ts'
import type { Population } from './populations.ts'

/** Examples of a draw, in turns. */
const SIZES = [24, 60, 150, 400, 1000] as const

/** How often something happened in draws. */
export interface Count {
  readonly times: number
  readonly of: number
}

/** A share with its exact 95 % interval: `0.4 % (0.2 … 0.8)`. */
export function shareText({ times, of }: Count): string {
  return percentInterval(proportionInterval(times, of))
}

/** Whether this count is higher than chance explains in all but one of a thousand cases, where each happens with this probability. */
export function isMoreThan({ times, of }: Count, probability: number): boolean {
  return 1 - upperBound(of - times, of, 0.999) > probability
}

export interface Coverage {
  readonly name: string
  readonly truth: number
  /** Draws whose interval is wholly above the truth, and wholly below it. */
  readonly above: Count
  readonly below: Count
  /** Mean width with the fewest and with the most examples. */
  readonly widths: readonly [few: number, many: number]
}

/** Draws with replacement, so that the population is known: all of it. */
function drawn(random: () => number, population: number, examples: number): number[] {
  return Array.from({ length: examples }, () => Math.floor(random() * population))
}

/** How often the interval of a figure, or of a loss between two, misses what is true of the population. */
export function coverageOf(name: string, first: Figure, second: Figure | undefined, draws: number): Coverage {
  const random = randomNumbers(17)
  const known = new Map<string, Interval>()
  const intervalOf = (one: Figure, other: Figure | undefined): Interval => {
    if (other === undefined) return figureInterval(one)
    if (one.of !== undefined) return figureLoss(one, other)
    // Of right and wrong answers only the counts matter.
    const counts = Object.values(pairedCounts(one.got, other.got)).join()
    const interval = known.get(counts) ?? figureLoss(one, other)
    known.set(counts, interval)
    return interval
  }
  const truth = second === undefined ? ratioOf(first) : ratioOf(first) - ratioOf(second)
  let [above, below] = [0, 0]
  const widths = new Map<number, number[]>(SIZES.map((size) => [size, []]))
  for (let draw = 0; draw < draws; draw++) {
    const size = SIZES[draw % SIZES.length] as number
    const rows = drawn(random, first.got.length, size)
    const { low, high } = intervalOf(taken(first, rows), second && taken(second, rows))
    if (low > truth + 1e-9) above++
    if (high < truth - 1e-9) below++
    widths.get(size)?.push(high - low)
  }
  const [few = 0, many = 0] = [SIZES[0], SIZES.at(-1) as number].map((size) => mean(widths.get(size) ?? []))
  return { name, truth, above: { times: above, of: draws }, below: { times: below, of: draws }, widths: [few, many] }
}

function ratioOf({ got, of }: Figure): number {
  return mean([...got]) / (of === undefined ? 1 : mean([...of]))
}

function taken({ got, of, share }: Figure, rows: readonly number[]): Figure {
  const at = (values: readonly number[]): number[] => rows.map((row) => values[row] as number)
  return { got: at(got), ...(of && { of: at(of) }), ...(share !== undefined && { share }) }
}

/** What became of a promise that was asked for on many draws. */
export interface Kept {
  readonly name: string
  readonly promise: string
  /** Draws on which it was given at all. */
  readonly given: Count
  /** Of all draws, those on which it was given and does not hold for the population. */
  readonly broken: Count
}

/** What prunings of a model lose on a population, the fastest first. */
export interface Pruned {
  readonly name: string
  readonly losses: readonly Losses[]
}

/**
 * How often `tune` promises with `confident` what is not so. Choosing is skipped: all candidates are verified, so that there is most to
 * go wrong.
 * @param examples to verify on, in turns
 */
export async function confidentOf(
  { name, losses }: Pruned,
  tolerance: Tolerance,
  examples: readonly number[],
  draws: number,
): Promise<Kept> {
  const random = randomNumbers(23)
  const isTrue = losses.map(
    ({ labelled, expected }) => Math.max(mean([...labelled]), mean([...expected])) <= tolerance.maxLoss,
  )
  const count = losses[0]?.labelled.length ?? 0
  let [given, broken] = [0, 0]
  for (let draw = 0; draw < draws; draw++) {
    const rows = drawn(random, count, examples[draw % examples.length] as number)
    const at = (values: readonly number[]): number[] => rows.map((row) => values[row] as number)
    const found = await verifyInSequence(tolerance, [...losses.keys()], async (candidate) => {
      const { labelled, expected } = losses[candidate] as Losses
      return { labelled: at(labelled), expected: at(expected) }
    })
    if (found === undefined) continue
    given++
    if (!isTrue[found.candidate]) broken++
  }
  const promise = `loses at most ${tolerance.maxLoss}`
  return { name, promise, given: { times: given, of: draws }, broken: { times: broken, of: draws } }
}

/** How often `calibrateCascade` promises what is not so. */
export function calibratedOf(
  { name, dense, pruned }: Population,
  setting: number,
  agreement: number,
  draws: number,
): Kept {
  const random = randomNumbers(29)
  const own = pruned[setting] as Population['pruned'][number]
  const failing = own.logits.flatMap((logits, i) =>
    answerOf(logits) === answerOf(dense[i] as readonly number[]) ? [] : [uncertaintyOf(logits, 'probability')],
  )
  let [given, broken] = [0, 0]
  for (let draw = 0; draw < draws; draw++) {
    const rows = drawn(random, dense.length, SIZES[draw % SIZES.length] as number)
    const at = (all: readonly (readonly number[])[]): (readonly number[])[] =>
      rows.map((row) => all[row] as readonly number[])
    const threshold = thresholdOf(at(own.logits), at(dense), agreement)
    if (threshold === undefined) continue
    given++
    const remaining = failing.filter((value) => threshold === null || value < threshold).length
    if (remaining / dense.length > 1 - agreement) broken++
  }
  const promise = `${100 * agreement} % agree`
  return {
    name: `${name}: ${own.name}`,
    promise,
    given: { times: given, of: draws },
    broken: { times: broken, of: draws },
  }
}

/** Undefined where there are too few examples to promise anything, which is said with an error. */
function thresholdOf(
  pruned: readonly (readonly number[])[],
  dense: readonly (readonly number[])[],
  agreement: number,
): number | null | undefined {
  try {
    return calibrateCascade({ pruned, dense, agreement }).threshold
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_CALIBRATION') return undefined
    throw error
  }
}
