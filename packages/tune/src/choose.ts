import { bootstrapMean, type Interval } from '@tp/eval'
import type { Candidate, Prospects } from './candidates.ts'
import { type Answering, type DenseAnswers, lossesOf, prunedAnswers } from './measure-answers.ts'
import { neighbours, withoutOneCut } from './neighbours.ts'
import { scheduleOf } from './pruning.ts'
import { type Ranking, ranked } from './rank.ts'
import type { Split } from './split.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** Where it was verified. */
  readonly loss: Loss
  /** The fastest with one ratio at all blocks that held on the examples to choose by. */
  readonly uniform?: Candidate
}

/** Points of accuracy lost against dense, with 95 % bootstrap intervals. */
interface Loss {
  /** By the labels. */
  readonly labelled: Interval
  /** By the dense model's own probabilities. */
  readonly believed: Interval
}

export interface Choice extends Answering, Ranking {
  readonly split: Split
  readonly maxLoss: number
  /** The dense model's answers to each part. */
  readonly dense: Readonly<Record<'choose' | 'verify', DenseAnswers>>
}

/** So many contestants are followed up, those that promise most. */
const FOLLOWED = 2

/** So many schedules are tried near the best of each. */
const NEAR = 12

/**
 * The fastest candidate that loses no more than is allowed. Of each promising contestant and each of its rows of schedules, the
 * fastest one that holds on the examples to choose by is found by halving; near the best of these faster ones are looked
 * for; then they are tried on the examples to verify on, the fastest first.
 */
export async function chooseCandidate(choice: Choice, prospects: readonly Prospects[]): Promise<Chosen | undefined> {
  const { measurer } = choice
  const promising = mostPromising(prospects).slice(0, FOLLOWED)
  const rows = promising.flatMap(({ hull, uniform }) => [hull.slice(0, -1), ...uniform])
  const isUniform = (row: readonly Candidate[]): boolean => promising.some(({ uniform }) => uniform.includes(row))
  measurer.begin(
    'search',
    rows.reduce((sum, row) => sum + Math.ceil(Math.log2(row.length + 1)), promising.length * NEAR),
  )
  const holding: Candidate[] = []
  const uniform: Candidate[] = []
  for (const row of rows) {
    let [fails, safe] = [-1, row.length]
    while (safe - fails > 1) {
      const middle = Math.floor((fails + safe) / 2)
      if (await holdsOn(choice, row[middle] as Candidate, 'choose')) safe = middle
      else fails = middle
    }
    holding.push(...row.slice(safe))
    if (isUniform(row)) uniform.push(...row.slice(safe))
    tellBest(choice, holding)
  }
  for (const prospect of promising) {
    holding.push(...(await nearBest(choice, prospect, holding.filter(isOf(prospect)))))
  }
  const lean = promising.flatMap((prospect) =>
    holding.filter(isOf(prospect)).map((own) => withoutIdleCuts(prospect, own)),
  )
  const fastest = spread(lean.sort(byTime))
  measurer.begin('verification', 2)
  for (const candidate of await ranked(choice, fastest)) {
    if (!(await holdsOn(choice, candidate, 'choose'))) continue
    const loss = await lossOf(choice, candidate, 'verify')
    if (holds(choice, loss)) {
      tellBest(choice, [candidate])
      const [even] = uniform.sort(byTime)
      return { candidate, loss, ...(even && { uniform: even }) }
    }
  }
  return undefined
}

/**
 * Faster schedules of a contestant that hold, from the best one on, one step at a time: first what gains most for what it is
 * expected to lose.
 */
async function nearBest(choice: Choice, { expect }: Prospects, holding: readonly Candidate[]): Promise<Candidate[]> {
  const found: Candidate[] = []
  let [best] = [...holding].sort(byTime)
  const failed = new Set<string>()
  for (let tried = 0; tried < NEAR && best !== undefined; tried++) {
    const from: Candidate = best
    const [next] = neighbours(from.shares)
      .map(({ step, shares }) => ({ step, candidate: expect(shares) }))
      .filter(({ step, candidate }) => !failed.has(step) && candidate.ms < from.ms)
      .sort((a, b) => worth(from, b.candidate) - worth(from, a.candidate))
    if (next === undefined) break
    if (await holdsOn(choice, next.candidate, 'choose')) {
      best = next.candidate
      found.push(best)
      tellBest(choice, [best])
      // with a cut less there may be room for others
      if (next.candidate.loss < from.loss) failed.clear()
    } else {
      failed.add(next.step)
    }
  }
  return found
}

function isOf({ hull }: Prospects): (candidate: Candidate) => boolean {
  return ({ contestant }) => contestant === hull[0]?.contestant
}

/** Cuts that cost more than they save are left out: more tokens stay, so that no more is lost. */
function withoutIdleCuts({ expect }: Pick<Prospects, 'expect'>, candidate: Candidate): Candidate {
  const [faster] = withoutOneCut(candidate.shares)
    .map(({ shares }) => expect(shares))
    .filter(({ ms }) => ms < candidate.ms)
    .sort(byTime)
  return faster === undefined ? candidate : withoutIdleCuts({ expect }, faster)
}

/** Milliseconds gained for what is lost. */
function worth(from: Candidate, to: Candidate): number {
  return (from.ms - to.ms) / Math.max(Number.EPSILON, to.loss - from.loss)
}

function tellBest({ measurer, sites }: Choice, candidates: readonly Candidate[]): void {
  const [best] = [...candidates].sort(byTime)
  if (best !== undefined) measurer.found(textOf(best, sites))
}

async function holdsOn(choice: Choice, candidate: Candidate, part: 'choose' | 'verify'): Promise<boolean> {
  return holds(choice, await lossOf(choice, candidate, part))
}

/** One that follows another takes at least so much more time. */
const STEP = 1.02

/** Of candidates by time those that differ from the one before of the same method. */
function spread(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of candidates) {
    const like = kept.findLast(({ contestant }) => contestant === candidate.contestant)
    if (like === undefined || candidate.ms >= STEP * like.ms) kept.push(candidate)
  }
  return kept
}

/** Points lost against dense, paired by example. */
async function lossOf(choice: Choice, { contestant, shares }: Candidate, part: 'choose' | 'verify'): Promise<Loss> {
  const { sites, split, dense } = choice
  const pruning = { method: contestant.method, schedule: scheduleOf(sites, shares) }
  const answers = await prunedAnswers(choice, `${contestant.name} ${shares.join(' ')} ${part}`, pruning, split[part])
  const { labelled, believed } = lossesOf(dense[part], answers, split[part].targets)
  return { labelled: bootstrapMean(labelled), believed: bootstrapMean(believed) }
}

/** Whether neither way of counting says that more is lost than is allowed. */
function holds({ maxLoss }: Choice, { labelled, believed }: Loss): boolean {
  return Math.max(labelled.estimate, believed.estimate) <= maxLoss
}

/** By the divergence that they expect at two thirds of the dense time. */
function mostPromising(prospects: readonly Prospects[]): Prospects[] {
  const dense = Math.max(...prospects.flatMap(({ hull }) => hull).map(({ ms }) => ms))
  const promise = ({ hull }: Prospects): number =>
    (hull.filter(({ ms }) => ms <= (2 / 3) * dense).at(-1) ?? (hull[0] as Candidate)).loss
  return [...prospects].sort((a, b) => promise(a) - promise(b))
}

function byTime(a: Candidate, b: Candidate): number {
  return a.ms - b.ms
}

/** `balanced: keep 0.8 at block 1, 0.75 at block 3` */
function textOf({ contestant, shares }: Candidate, sites: readonly number[]): string {
  const amounts = [...scheduleOf(sites, shares)].map(([block, { value }]) => `${value} at block ${block}`)
  return `${contestant.name}: keep ${amounts.join(', ')}`
}
