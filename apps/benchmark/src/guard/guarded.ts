import { readFile } from 'node:fs/promises'
import { flopsFormula } from '@tp/compiler'
import { prepareInputs } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { prunedModel } from '../measure/variant.ts'
import type { Context } from '../report/section.ts'
import { type Answers, answersOf } from './answers.ts'
import type { GuardedModel, Setting } from './subjects.ts'

/** What both models answer on one data set. */
export interface GuardedSet {
  readonly name: string
  /** Class of each example; undefined where the model's classes are others. */
  readonly targets: readonly number[] | undefined
  readonly dense: Answers
  readonly pruned: Answers
  /** Multiply-adds for each example, and for all of them pruned over dense. */
  readonly flops: readonly number[]
  readonly prunedShare: number
}

export interface Guarded {
  readonly setting: Setting
  readonly calibration: GuardedSet
  readonly test: GuardedSet
  readonly shifts: readonly GuardedSet[]
}

/** Runs a model and its prunings on all its data, but for what has been run before. */
export async function openGuarded(context: Context, subject: GuardedModel): Promise<Guarded[]> {
  const file = await readFile(subject.path)
  const model = decodeModel(file)
  const { calibration, test, shifts, prepare } = subject
  const data = [
    { name: 'calibration', dataset: calibration, labelled: true },
    { name: 'test', dataset: test, labelled: true },
    ...shifts,
  ]
  await using session = await context.runtime.load(file, { threads: 1 })
  const sets = await Promise.all(
    data.map(async ({ name, dataset, labelled }) => {
      const inputs = await prepareInputs(dataset, session.inputs, prepare)
      return { name, inputs: { ...inputs, source: `${name}, ${inputs.source}` }, labelled }
    }),
  )
  const guarded: Guarded[] = []
  for (const setting of subject.settings) {
    const { method, schedule } = setting
    const options = { method, schedule, monitor: true }
    const pruned = prunedModel(model, options, subject.name)
    const traced = encodeModel(prunedModel(model, { ...options, trace: true }, subject.name))
    const answered: GuardedSet[] = []
    for (const { name, inputs, labelled } of sets) {
      const what = `${subject.name}, ${name}`
      const dense = await answersOf(context, file, inputs, `${what}, dense`)
      const answers = await answersOf(context, traced, inputs, `${what}, ${setting.name}`)
      const targets = labelled ? inputs.targets : undefined
      answered.push({ name, targets, dense, pruned: answers, ...flopsOf(model, pruned, inputs, answers) })
    }
    const [first, second, ...others] = answered as [GuardedSet, GuardedSet, ...GuardedSet[]]
    guarded.push({ setting, calibration: first, test: second, shifts: others })
  }
  return guarded
}

/** One by one. Where the data decide how many tokens stay, their mean share at each layer stands for it. */
function flopsOf(
  dense: Model,
  pruned: Model,
  { lengths, targets }: ModelInputs,
  { kept }: Answers,
): Pick<GuardedSet, 'flops' | 'prunedShare'> {
  const [before, after] = [flopsFormula(dense), flopsFormula(pruned)]
  const known = new Map<number | undefined, readonly [number, number]>()
  const both = (lengths ?? targets.map(() => undefined)).map((tokens) => {
    const left = Object.entries(kept).map(([layer, share]) => [layer, Math.max(1, Math.round(share * (tokens ?? 1)))])
    const sizes = { batch: 1, ...(tokens !== undefined && { tokens }) }
    const found = known.get(tokens) ?? [before(sizes), after({ ...sizes, kept: Object.fromEntries(left) })]
    known.set(tokens, found as readonly [number, number])
    return found as readonly [number, number]
  })
  const total = (which: 0 | 1): number => both.reduce((sum, counts) => sum + counts[which], 0)
  return { flops: both.map(([count]) => count), prunedShare: total(1) / total(0) }
}
