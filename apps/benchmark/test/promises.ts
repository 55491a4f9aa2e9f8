import { randomNumbers, upperBound } from '@tp/core/statistics'
import { answerOf, uncertaintyOf } from '@tp/guard'
import { type Figure, figureInterval, figureLoss, type Interval, pairedCounts, proportionInterval } from '@tp/metrics'
import { type Losses, verifyInSequence } from '@tp/optimize'
import { mean } from 'simple-statistics'
import { calibrateIfEnough } from '../src/guard/cascades.ts'
import { percentInterval } from '../src/report/numbers.ts'
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

/** Draws with replacement, of the sizes in turns; so that what is true of the population is known: it is all there is. */
function* drawn(seed: number, population: number, sizes: readonly number[], draws: number): Generator<number[]> {
  const random = randomNumbers(seed)
  for (let draw = 0; draw < draws; draw++) {
    const size = sizes[draw % sizes.length] as number
    yield Array.from({ length: size }, () => Math.floor(random() * population))
  }
}

function at<T>(values: readonly T[], rows: readonly number[]): T[] {
  return rows.map((row) => values[row] as T)
}

/** How often the interval of a figure, or of a loss between two, misses what is true of the population. */
export function coverageOf(name: string, first: Figure, second: Figure | undefined, draws: number): Coverage {
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
  for (const rows of drawn(17, first.got.length, SIZES, draws)) {
    const { low, high } = intervalOf(taken(first, rows), second && taken(second, rows))
    if (low > truth + 1e-9) above++
    if (high < truth - 1e-9) below++
    widths.get(rows.length)?.push(high - low)
  }
  const [few = 0, many = 0] = [SIZES[0], SIZES.at(-1) as number].map((size) => mean(widths.get(size) ?? []))
  return { name, truth, above: { times: above, of: draws }, below: { times: below, of: draws }, widths: [few, many] }
}

function ratioOf({ got, of }: Figure): number {
  return mean([...got]) / (of === undefined ? 1 : mean([...of]))
}

function taken({ got, of, share }: Figure, rows: readonly number[]): Figure {
  return { got: at(got, rows), ...(of && { of: at(of, rows) }), ...(share !== undefined && { share }) }
}

/** The outcome of a promise over many draws. */
export interface Kept {
  readonly name: string
  readonly promise: string
  /** Draws on which it was given at all. */
  readonly promised: Count
  /** Of all draws, those on which it was given and does not hold for the population. */
  readonly broken: Count
}

/** The losses of a model's prunings on a population, the fastest first. */
export interface PromisedPruning {
  readonly name: string
  readonly losses: readonly Losses[]
}

/** @param judge whether what is promised on a draw holds for the population; undefined where nothing is promised */
async function keptOf(
  about: Pick<Kept, 'name' | 'promise'>,
  draws: Iterable<readonly number[]>,
  judge: (rows: readonly number[]) => Promise<boolean | undefined>,
): Promise<Kept> {
  let [of, promisedTimes, broken] = [0, 0, 0]
  for (const rows of draws) {
    const holds = await judge(rows)
    of++
    promisedTimes += Number(holds !== undefined)
    broken += Number(holds === false)
  }
  return { ...about, promised: { times: promisedTimes, of }, broken: { times: broken, of } }
}

/**
 * How often `tune` promises with `confident` what is not so. Choosing is skipped: all candidates are verified, so that there is most to
 * go wrong.
 * @param examples to verify on, in turns
 */
export function confidentOf(
  { name, losses }: PromisedPruning,
  maxLoss: number,
  examples: readonly number[],
  draws: number,
): Promise<Kept> {
  const isTrue = losses.map(
    ({ labeled, expected }) => Math.max(mean([...(labeled ?? [])]), mean([...expected])) <= maxLoss,
  )
  const about = { name, promise: `loses at most ${maxLoss}` }
  return keptOf(about, drawn(23, losses[0]?.expected.length ?? 0, examples, draws), async (rows) => {
    const found = await verifyInSequence(maxLoss, [...losses.keys()], async (candidate) => {
      const { labeled = [], expected } = losses[candidate] as Losses
      return { labeled: at(labeled, rows), expected: at(expected, rows) }
    })
    return found && isTrue[found.candidate]
  })
}

/** How often `calibrateCascade` promises what is not so. */
export function calibratedOf(
  { name, dense, pruned }: Population,
  setting: number,
  agreement: number,
  draws: number,
): Promise<Kept> {
  const own = pruned[setting] as Population['pruned'][number]
  const failing = own.logits.flatMap((logits, i) =>
    answerOf(logits) === answerOf(dense[i] as readonly number[]) ? [] : [uncertaintyOf(logits, 'probability')],
  )
  const about = { name: `${name}: ${own.name}`, promise: `${100 * agreement} % agree` }
  return keptOf(about, drawn(29, dense.length, SIZES, draws), async (rows) => {
    const promised = calibrateIfEnough({ pruned: at(own.logits, rows), dense: at(dense, rows), agreement })
    if (promised === undefined) return undefined
    const { threshold } = promised
    const remaining = failing.filter((value) => threshold === null || value < threshold).length
    return remaining / dense.length <= 1 - agreement
  })
}
