import { bootstrapMean, type Interval } from '@tp/eval'
import type { Candidate, Named } from './candidates.ts'
import { type Answering, rightAnswers } from './measure-answers.ts'
import { scheduleOf } from './pruning.ts'
import type { Split } from './split.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** Points of accuracy lost where it was verified. */
  readonly loss: Interval
}

export interface Choice extends Answering {
  readonly sites: readonly number[]
  readonly split: Split
  readonly maxLoss: number
  readonly dense: Named
}

/** So many contestants are followed up, those that promise most. */
const FOLLOWED = 3

/**
 * The fastest candidate that loses no more than is allowed: of each promising contestant the last one of its hull that holds on
 * the examples to choose by, found by halving; these, the fastest first, on the examples to verify on.
 */
export async function chooseCandidate(
  choice: Choice,
  hulls: readonly (readonly Candidate[])[],
): Promise<Chosen | undefined> {
  const { measurer, maxLoss } = choice
  const promising = mostPromising(hulls).slice(0, FOLLOWED)
  measurer.begin(
    'search',
    promising.reduce((sum, hull) => sum + Math.ceil(Math.log2(hull.length + 1)), 0),
  )
  const holding: Candidate[] = []
  for (const hull of promising) {
    let [fast, safe] = [-1, hull.length - 1]
    while (safe - fast > 1) {
      const middle = Math.floor((fast + safe) / 2)
      const loss = await lossOf(choice, hull[middle] as Candidate, 'choose')
      if (loss.estimate <= maxLoss) safe = middle
      else fast = middle
    }
    const found = hull.slice(safe)
    holding.push(...found.slice(0, -1))
    const [best] = [...holding].sort(byTime)
    if (best) measurer.found(textOf(best, choice.sites))
  }
  const order = [...holding].sort(byTime)
  measurer.begin('verification', Math.min(2, order.length))
  let failed = 0
  for (const candidate of order) {
    if (candidate.ms < STEP * failed) continue
    failed = candidate.ms
    if ((await lossOf(choice, candidate, 'choose')).estimate > maxLoss) continue
    const loss = await lossOf(choice, candidate, 'verify')
    if (loss.estimate <= maxLoss) {
      measurer.found(textOf(candidate, choice.sites))
      return { candidate, loss }
    }
  }
  return undefined
}

/** Behind one that loses too much the next that is tried takes so much more time. */
const STEP = 1.02

/** Points lost against dense, paired by example. */
async function lossOf(choice: Choice, { contestant, shares }: Candidate, part: 'choose' | 'verify'): Promise<Interval> {
  const { sites, split, dense } = choice
  const name = `${contestant.name} ${shares.join(' ')} ${part}`
  const pruning = { method: contestant.method, schedule: scheduleOf(sites, shares) }
  const own = await rightAnswers(choice, name, pruning, split[part])
  const all = await rightAnswers(choice, `dense ${part}`, { method: dense.method, schedule: new Map() }, split[part])
  return bootstrapMean(all.map((right, i) => 100 * (right - (own[i] as number))))
}

/** Hulls by the divergence that they expect at two thirds of the dense time. */
function mostPromising(hulls: readonly (readonly Candidate[])[]): readonly (readonly Candidate[])[] {
  const dense = Math.max(...hulls.flat().map(({ ms }) => ms))
  const promise = (hull: readonly Candidate[]): number =>
    (hull.filter(({ ms }) => ms <= (2 / 3) * dense).at(-1) ?? (hull[0] as Candidate)).loss
  return [...hulls].sort((a, b) => promise(a) - promise(b))
}

function byTime(a: Candidate, b: Candidate): number {
  return a.ms - b.ms
}

/** `balanced: keep 0.8 at block 1, 0.75 at block 3` */
function textOf({ contestant, shares }: Candidate, sites: readonly number[]): string {
  const amounts = [...scheduleOf(sites, shares)].map(([block, { value }]) => `${value} at block ${block}`)
  return `${contestant.name}: keep ${amounts.join(', ')}`
}
