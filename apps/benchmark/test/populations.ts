import type { Evaluation } from '@tp/compare'
import type { Dataset } from '@tp/data/inputs'
import { type Figure, logitRowsOf } from '@tp/metrics'
import { ask, candidate, type MeasuredRow, measure } from '../src/measure/measure.ts'
import { openOn, openSubject } from '../src/measure/subject.ts'
import { evenly } from '../src/registry/data.ts'
import {
  DENSE,
  type MethodChoice,
  NONE,
  pruned,
  type Setting,
  type SettingBudget,
  settingText,
} from '../src/registry/settings.ts'
import { dataOf, type SubjectName, subjects } from '../src/registry/subjects.ts'
import type { SectionContext } from '../src/report/section.ts'

/** The answers of the dense model and its prunings to some examples, which make up the population: draws are made from them. */
export interface Population {
  readonly name: string
  readonly targets: readonly number[]
  readonly dense: readonly (readonly number[])[]
  /** The slowest first. */
  readonly pruned: readonly { readonly name: string; readonly logits: readonly (readonly number[])[] }[]
}

/** Of data sets that are not the project's; its own are used whole. */
const MOST = 1000

const received: MethodChoice = { method: 'received-attention' }
const balanced: MethodChoice = { method: 'balanced', params: { values: true } }

/** A subject with a method at keep ratios, the slowest first. */
export type PopulationSource = readonly [SubjectName, MethodChoice, readonly number[], SettingBudget['layers']]

export const sources: readonly PopulationSource[] = [
  ['mail', received, [0.5, 0.25, 0.1, 0.03], [0]],
  ['digits-vit', received, [0.8, 0.55, 0.4], [1]],
  ['fashion-vit', received, [0.7, 0.5, 0.3], [1]],
  ['minilm-sst2', balanced, [0.85, 0.7, 0.55], [1, 2, 3, 4, 5]],
]

/** The answers of the models. */
export async function populationOf(
  context: SectionContext,
  [name, choice, keeps, layers]: PopulationSource,
): Promise<Population> {
  const form = subjects[name]
  const test = await dataOf(form, context, 'test')
  const calibration = form.embedded ? (await dataOf(form, context, 'calibration')).examples : []
  const whole = { ...test, examples: [...calibration, ...test.examples] } as Dataset
  const subject = await openOn(context, form, form.embedded ? whole : evenly(whole, MOST))
  const logitsOf = async (setting: Setting): Promise<Population['dense']> => {
    const { outcome } = await ask(context.runtime, subject, setting)
    return logitRowsOf(outcome as Evaluation).map((row) => [...row])
  }
  const small: { name: string; logits: Population['dense'] }[] = []
  for (const keep of keeps) {
    const setting = pruned(choice, { keep, layers })
    small.push({ name: `${choice.method}, ${settingText(setting)}`, logits: await logitsOf(setting) })
  }
  return { name, targets: subject.inputs.targets, dense: await logitsOf(DENSE), pruned: small }
}

/** Figures that are not counts: vectors of a pruned model compared with those of the dense one. */
export async function similarities(context: SectionContext): Promise<Readonly<Record<string, Figure>>> {
  const subject = await openSubject(context, subjects['mail-vectors'], 'test', MOST)
  const setting = pruned(received, { keep: 0.5, layers: [0, 1] })
  const [, row] = (await measure(context, subject, [candidate(NONE), candidate(setting)])) as [MeasuredRow, MeasuredRow]
  return row.figures
}
