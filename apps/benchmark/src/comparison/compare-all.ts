import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { findChromium } from 'browser-tests'
import { writeWhole } from '../output/write-file.ts'
import { reportPath, surroundings } from '../report/report.ts'
import { sharedPath } from '../report/section.ts'
import { type Cell, cellKey } from './cell.ts'
import { type Extent, fullExtent, quickExtent } from './ladder.ts'
import { learnedName } from './learned-file.ts'
import { SubjectPlan } from './plan.ts'
import { Progress } from './progress.ts'
import { reportPage } from './report/page.ts'
import { Results } from './results.ts'
import { measureAll } from './run.ts'
import { whyNotSmaller } from './smaller-input.ts'
import { fingerprint, type SubjectForm, subjectForms, whyMissing } from './subjects.ts'
import { summary } from './summary.ts'
import { learnedFolder } from './variants.ts'

export interface ComparisonOptions {
  readonly runtime: Runtime
  readonly quick: boolean
  /** Names of subjects or kinds of cells. */
  readonly only: readonly string[] | undefined
  readonly again: boolean
  /** Otherwise only the report is written. */
  readonly measures: boolean
  readonly examples: number | undefined
  readonly budgetMs: number | undefined
  /** Of `results.jsonl` and `report.html`. */
  readonly folder: string
  /** The report, and what the README's table is made of, are written to `docs/results`, too. */
  readonly publishes: boolean
}

/** Measures what is not known yet, and writes the report. */
export async function compareAll(options: ComparisonOptions): Promise<void> {
  const { runtime, quick, only, again, folder } = options
  const isAsked = (cell: Cell): boolean =>
    only === undefined ||
    cellKey(cell)
      .split('/')
      .some((part) => only.includes(part))
  const extent = extentOf(options)
  const { forms, prints, missing } = await present(runtime, quick)
  checkNames(only, forms, missing)
  const progress = new Progress(process.stderr)
  const about = await surroundings(runtime)
  const results = await Results.open(join(folder, 'results.jsonl'), (name) => prints.get(name) as string, about)
  const learned = (await readdir(learnedFolder).catch(() => []))
    .filter((name) => /^[^.]+\.onnx$/.test(name))
    .map((name) => name.replace(/\.onnx$/, ''))
  const plans = forms.map((form) => new SubjectPlan(form, extent, peersOf(form, runtime, learned), results))
  if (findChromium() === undefined) missing.set('wasm', 'there is no Chromium; "npm test" installs one')
  if (learned.length === 0 && !quick) {
    missing.set(
      'learned methods',
      'reports/learned has no trained models; "pnpm --filter benchmark learned" trains them',
    )
  }
  for (const [name, reason] of missing) progress.note(`${name} is left out: ${reason}`)
  const notSmaller = new Map<string, string>()
  for (const form of forms) {
    const reason = await whyNotSmaller(form, { runtime, shared: sharedPath })
    if (reason !== undefined) notSmaller.set(form.name, reason)
  }
  if (again) results.forget(plans.flatMap((plan) => plan.cells()).filter(isAsked))
  if (options.measures) await measureAll({ runtime, plans, results, extent, isAsked, progress })
  const page = reportPage({ plans, results, missing, quick, notSmaller })
  await writeWhole(join(folder, 'report.html'), page)
  if (options.publishes) {
    const lines = summary(plans, results, quick).map((line) => `${JSON.stringify(line)}\n`)
    await writeWhole(reportPath('jsonl', 'benchmark'), lines.join(''))
    await writeWhole(reportPath('html', 'benchmark'), page)
  }
  progress.note(`The report is ${join(folder, 'report.html')}, the numbers are beside it.`)
}

function extentOf({ quick, examples, budgetMs }: ComparisonOptions): Extent {
  const extent = quick ? quickExtent : fullExtent
  return { ...extent, ...(examples && { examples }), ...(budgetMs && { budgetMs }) }
}

/** Subjects whose files are here, and why the others are left out. */
async function present(runtime: Runtime, quick: boolean) {
  const forms: SubjectForm[] = []
  const prints = new Map<string, string>()
  const missing = new Map<string, string>()
  for (const form of subjectForms) {
    if (quick && !form.embedded) {
      missing.set(form.name, 'a quick run has only the models of the project')
      continue
    }
    try {
      const context = { runtime, shared: sharedPath }
      prints.set(form.name, await fingerprint(form, context))
      for (const split of ['calibration', 'test'] as const) {
        if (form.examples[split] > 0) await form.data(context, split, 1)
      }
      forms.push(form)
    } catch (error) {
      missing.set(form.name, whyMissing(error))
    }
  }
  return { forms, prints, missing }
}

const KINDS = ['accuracy', 'speed', 'shift', 'trajectory', 'node', 'wasm']

/** @throws TpError TP_OPTION */
function checkNames(
  only: readonly string[] | undefined,
  forms: readonly SubjectForm[],
  missing: ReadonlyMap<string, string>,
): void {
  const names = [...forms.map(({ name }) => name), ...KINDS]
  for (const name of only ?? []) {
    if (names.includes(name)) continue
    const reason = missing.get(name) ?? `there is no ${name}`
    throw new TpError('TP_OPTION', 'benchmark', `${reason}; --only takes ${names.join(', ')}`)
  }
}

function peersOf(form: SubjectForm, runtime: Runtime, learned: readonly string[]) {
  return {
    int8: form.files({ runtime, shared: sharedPath }).int8 !== undefined,
    web: findChromium() !== undefined,
    learned: learned
      .filter((file) => form.learned !== undefined && learnedName(file)?.beginning === form.learned)
      .sort(),
  }
}
