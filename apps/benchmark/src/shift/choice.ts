import { type Method, random } from '@tp/core'
import { compareToDense, type Evaluation, type Interval } from '@tp/eval'
import { balanced, receivedAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { type Budget, scheduleOf } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { openSubject } from '../measure/subject.ts'
import { dense, pruned } from '../measure/variant.ts'
import type { Context } from '../report/section.ts'
import type { Place } from './places.ts'

/** What is shown: a method and what it keeps. */
export interface Setting {
  readonly name: string
  readonly family: string
  /** One, or one for each seed. */
  readonly methods: readonly Method[]
  readonly budget: Budget
  /** Points lost where it was chosen. */
  readonly calibration?: Interval | undefined
}

/** What needs no training: two that score by attention, and one that merges. */
const candidates: readonly Method[] = [receivedAttention(), balanced(), tome()]

const ALLOWED = 1
const SEEDS = [0, 1, 2, 3, 4]

/**
 * Each method at the least that it can keep for one point on calibration data (where none of its budgets is so good, the
 * one that loses least), and random tokens at the leanest of these budgets.
 */
export async function chooseSettings(context: Context, place: Place, name: string): Promise<Setting[]> {
  const { budgets, calibration } = place
  const chosen = calibration === undefined ? fixed(budgets) : await choose(context, place, calibration, name)
  const leanest = Math.max(...chosen.map(({ budget }) => budgets.indexOf(budget)))
  const chance: Setting = {
    name: 'random',
    family: 'control',
    methods: SEEDS.map((seed) => random({ seed })),
    budget: budgets[leanest] as Budget,
  }
  return [...chosen, chance]
}

function fixed([budget]: readonly Budget[]): Setting[] {
  return candidates.map((method) => settingOf(method, budget as Budget))
}

function settingOf(method: Method, budget: Budget, calibration?: Interval): Setting {
  const family = method.family === 'attention' ? 'attention' : 'merging'
  return { name: method.name, family, methods: [method], budget, calibration }
}

async function choose(
  { runtime, onProgress }: Context,
  { path, prepare, budgets }: Place,
  dataset: Place['dataset'],
  name: string,
): Promise<Setting[]> {
  const subject = await openSubject(runtime, { name, path, dataset, prepare })
  const tried = candidates.flatMap((method) => budgets.map((budget) => ({ method, budget })))
  const files = [
    () => dense(subject).file,
    ...tried.map(
      ({ method, budget }) =>
        () =>
          pruned(subject, method, scheduleOf(subject, budget)).file,
    ),
  ]
  let done = 0
  const [reference, ...evaluations] = await inParallel(
    files.map((file) => async () => {
      const evaluation = await evaluateFile(runtime, file(), subject.inputs, { resamples: 1 })
      done += 1
      if (done % 5 === 0) onProgress(`choosing: ${done} of ${files.length} models`)
      return evaluation
    }),
  )
  const settings = tried.map(({ method, budget }, i) =>
    settingOf(method, budget, compareToDense(evaluations[i] as Evaluation, reference as Evaluation).loss),
  )
  return candidates.map((method) => best(settings.filter((setting) => setting.name === method.name)))
}

/** @param settings the fewest tokens last */
function best(settings: readonly Setting[]): Setting {
  const loss = ({ calibration }: Setting): number => (calibration as Interval).estimate
  return (
    settings.findLast((setting) => loss(setting) <= ALLOWED) ??
    settings.reduce((least, setting) => (loss(setting) < loss(least) ? setting : least))
  )
}
