import { flopsFormula } from '@tp/compiler'
import { prepareInputs } from '@tp/data'
import type { Dataset, ModelInputs } from '@tp/data/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import { answersOf, type MeasuredAnswers } from '../measure/answers.ts'
import { prepare } from '../measure/prepare.ts'
import { openOn } from '../measure/subject.ts'
import { evenly } from '../registry/data.ts'
import { type PrunedSetting, settingText } from '../registry/settings.ts'
import { dataOf, type SubjectName, subjects } from '../registry/subjects.ts'
import type { SectionContext } from '../report/section.ts'
import { shifted } from '../shift/shift.ts'
import { namedShift } from '../shift/shifts.ts'

/** A subject with its prunings, and what shifts it. */
export interface GuardedCase {
  readonly subject: SubjectName
  /** Examples to calibrate on, and as many to test on: a promise of 99 % takes a few hundred. */
  readonly examples: number
  /** Number of test examples that are shifted, in these ways and severities. */
  readonly shifted: number
  readonly shifts: readonly (readonly [name: string, severity: number])[]
  readonly elsewhere: (context: SectionContext) => Promise<Readonly<Record<string, Dataset>>>
  /** Names of data from elsewhere whose classes are others: their labels mean nothing. */
  readonly unlabeled: readonly string[]
  readonly settings: readonly PrunedSetting[]
}

/** The answers of both models on one data set. */
export interface GuardedSet {
  readonly name: string
  /** Class of each example; undefined where the model's classes are others. */
  readonly targets: readonly number[] | undefined
  readonly dense: MeasuredAnswers
  readonly pruned: MeasuredAnswers
  /** Multiply-adds for each example, and for all of them pruned over dense. */
  readonly flops: readonly number[]
  readonly prunedShare: number
}

export interface Guarded {
  readonly name: string
  readonly calibration: GuardedSet
  readonly test: GuardedSet
  readonly shifts: readonly GuardedSet[]
}

/** Runs a model and its prunings on all its data, except for what has been run before. */
export async function openGuarded(context: SectionContext, one: GuardedCase): Promise<Guarded[]> {
  const form = subjects[one.subject]
  const [calibration, test] = [
    evenly(await dataOf(form, context, 'calibration'), one.examples),
    evenly(await dataOf(form, context, 'test'), one.examples),
  ]
  const part = evenly(test, one.shifted)
  const own = one.shifts.map(([name, severity]) => {
    return [`${name}:${severity}`, shifted(part, namedShift(part.modality, name, severity))] as const
  })
  const data = { calibration, test, ...(await one.elsewhere(context)), ...Object.fromEntries(own) }
  const subject = await openOn(context, form, test)
  const options = await form.prepare(context)
  await using session = await context.runtime.load(subject.file, { threads: 1 })
  const all: Guarded[] = []
  for (const setting of one.settings) {
    const name = `${setting.method}, ${settingText(setting)}`
    const { model } = await prepare(subject, setting, { monitor: true })
    const traced = encodeModel((await prepare(subject, setting, { monitor: true, trace: true })).model)
    const answered: GuardedSet[] = []
    for (const [set, dataset] of Object.entries(data)) {
      const prepared = await prepareInputs(dataset, session.inputs, options)
      const inputs = { ...prepared, source: `${set}, ${prepared.source}` }
      const dense = await answersOf(context, subject.file, inputs, `${form.name}, ${set}, dense`)
      const pruned = await answersOf(context, traced, inputs, `${form.name}, ${set}, ${name}`)
      const targets = one.unlabeled.includes(set) ? undefined : inputs.targets
      answered.push({ name: set, targets, dense, pruned, ...flopsOf(subject.model, model, inputs, pruned) })
    }
    const [first, second, ...others] = answered as [GuardedSet, GuardedSet, ...GuardedSet[]]
    all.push({ name, calibration: first, test: second, shifts: others })
  }
  return all
}

/** One by one. Where the data decide how many tokens are kept, their mean share at each layer stands for it. */
function flopsOf(dense: Model, pruned: Model, { lengths, targets }: ModelInputs, { kept }: MeasuredAnswers) {
  const [before, after] = [flopsFormula(dense), flopsFormula(pruned)]
  const known = new Map<number | undefined, readonly [number, number]>()
  const both = (lengths ?? targets.map(() => undefined)).map((tokens): readonly [number, number] => {
    const counts = Object.entries(kept).map(([layer, share]) => [layer, Math.max(1, Math.round(share * (tokens ?? 1)))])
    const sizes = { batch: 1, ...(tokens !== undefined && { tokens }) }
    const found = known.get(tokens) ?? [before(sizes), after({ ...sizes, kept: Object.fromEntries(counts) })]
    known.set(tokens, found)
    return found
  })
  const total = (which: 0 | 1): number => both.reduce((sum, counts) => sum + counts[which], 0)
  return { flops: both.map(([count]) => count), prunedShare: total(1) / total(0) }
}
