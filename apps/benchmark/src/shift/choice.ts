import { type Method, random } from '@tp/core'
import { compareToDense, type Evaluation } from '@tp/eval'
import type { Interval } from '@tp/eval/metrics'
import { whatItKeeps } from '../learned/what-it-keeps.ts'
import { type Budget, scheduleOf } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { dense, pruned, totalFlops, withoutDeadTokens } from '../measure/variant.ts'
import { budgetText } from '../output/lines-table.ts'
import type { Context } from '../report/section.ts'
import type { Place, Trained } from './places.ts'

/** What is shown: a model with a method in it. */
export interface Setting {
  readonly name: string
  readonly family: string
  /** What it keeps, in words. */
  readonly budget: string
  /** Multiply-adds of dense over those of this, in distribution. */
  readonly flops: number
  /** Points lost where it was chosen. */
  readonly calibration?: Interval | undefined
  /** One, or one for each seed; made when they are needed, while other models run. */
  readonly files: readonly (() => Uint8Array)[]
}

/** A method and what it keeps. */
interface Choice {
  readonly method: Method
  readonly budget: Budget
  readonly loss?: Interval
}

const ALLOWED = 1
const SEEDS = [0, 1, 2, 3, 4]

/**
 * Each method at the least that it can keep for one point on calibration data (where none of its budgets is so good, the
 * one that loses least), what has learned one budget, and random tokens at the leanest of the budgets.
 */
export async function chooseSettings(context: Context, place: Place, subject: Subject): Promise<Setting[]> {
  const { budgets, methods, calibration, trained = [] } = place
  const chosen =
    calibration === undefined
      ? methods.map((method) => ({ method, budget: budgets[0] as Budget }))
      : await choose(context, place, calibration, subject.name)
  const leanest = Math.max(...chosen.map(({ budget }) => budgets.indexOf(budget)))
  const seeds = SEEDS.map((seed) => random({ seed }))
  return [
    ...chosen.map((choice) => settingOf(subject, choice)),
    ...(await Promise.all(trained.map((own) => trainedSetting(context, subject, own)))),
    settingOf(subject, { method: seeds[0] as Method, budget: budgets[leanest] as Budget }, seeds),
  ]
}

const FAMILIES: Readonly<Record<Method['family'], string>> = {
  attention: 'attention',
  gradient: 'gradient',
  reinforcement: 'reinforcement',
  hybrid: 'merging',
  baseline: 'control',
}

function settingOf(subject: Subject, { method, budget, loss }: Choice, seeds: readonly Method[] = [method]): Setting {
  const cut = (own: Method) => pruned(subject, own, scheduleOf(subject, budget))
  return {
    name: method.name,
    family: FAMILIES[method.family],
    budget: budgetText(budget),
    flops: denseFlops(subject) / totalFlops(cut(method).model, subject.lengths),
    calibration: loss,
    files: seeds.map((own) => () => cut(own).file),
  }
}

/** How many tokens a learned model keeps is seen when it runs. */
async function trainedSetting(context: Context, subject: Subject, { method, share, file }: Trained): Promise<Setting> {
  const { flops } = await whatItKeeps(context, subject, file)
  return {
    name: method.name,
    family: FAMILIES[method.family],
    budget: `learned at ${share} of the FLOPs`,
    flops: denseFlops(subject) / (flops * totalFlops(withoutDeadTokens(subject).model, subject.lengths)),
    files: [() => file.file],
  }
}

function denseFlops({ model, lengths }: Subject): number {
  return totalFlops(model, lengths)
}

async function choose(
  { runtime, onProgress }: Context,
  { path, prepare, budgets, methods }: Place,
  dataset: Place['dataset'],
  name: string,
): Promise<Choice[]> {
  const subject = await openSubject(runtime, { name, path, dataset, prepare })
  const tried = methods.flatMap((method) => budgets.map((budget) => ({ method, budget })))
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
      const evaluation = await evaluateFile(runtime, file(), subject.inputs)
      done += 1
      if (done % 5 === 0) onProgress(`choosing: ${done} of ${files.length} models`)
      return evaluation
    }),
  )
  const choices = tried.map((own, i) => ({
    ...own,
    loss: compareToDense(evaluations[i] as Evaluation, reference as Evaluation).loss,
  }))
  return methods.map((method) => best(choices.filter((choice) => choice.method === method)))
}

/** @param choices the fewest tokens last */
function best(choices: readonly Required<Choice>[]): Choice {
  return (
    choices.findLast(({ loss }) => loss.estimate <= ALLOWED) ??
    choices.reduce((least, choice) => (choice.loss.estimate < least.loss.estimate ? choice : least))
  )
}
