import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isTpError, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { findChromium } from 'browser-tests'
import {
  beginTrial,
  type Files,
  learnedPath,
  limits,
  projectPath,
  reportsPath,
  sharedPath,
  writeWhole,
} from '../files.ts'
import { learnedName } from '../registry/settings.ts'
import { dataOf, fingerprint } from '../registry/subjects.ts'
import { surroundings } from '../report/section.ts'
import { type ComparisonCell, cellKey } from './cell.ts'
import { openCellQueue } from './cell-queue.ts'
import { SubjectPlan } from './plan.ts'
import { reportPage } from './report/page.ts'
import { Results } from './results.ts'
import { measureAll } from './run.ts'
import { type ComparedForm, comparedForms } from './subjects.ts'
import { summary } from './summary.ts'
import { fullExtent, quickExtent } from './sweep.ts'

export const HELP = `Compares methods, budgets, models, tasks and runtimes: accuracy, speed, and other ways to save work.

  npm run benchmark -- [options]

  --quick          a few minutes: fewer methods, budgets and examples, and only the models of the project
  --only NAMES     of these subjects (mail, digits-vit …) or kinds (accuracy, tuned, speed, shift), with commas between
  --again          measures the selected cells once more, though it is known
  --trial          does it run? On few examples, in a folder of their own
  --report         nothing is measured; the report is written of what is known, wherever it was measured
  --publish        the report is written to docs/results, too, with what the table in docs/results.md is made of (npm run generate)
  --queue URL      cells that are not times are measured by workers, on this machine or others, which take them from a
                   Valkey or Redis; start each with: npm run benchmark -- worker --queue URL (with --trial, if this has it)
  --out FOLDER     where results.jsonl and report.html are; default reports/benchmark, with --quick reports/benchmark-quick

An interrupted run continues where it was when it is started again.
`

const flag = { type: 'boolean', default: false } as const

/** Measures what is not known yet, and writes the report. @returns the exit code */
export async function compareAll(runtime: Runtime, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: flag,
      again: flag,
      trial: flag,
      report: flag,
      publish: flag,
      only: { type: 'string', multiple: true },
      out: { type: 'string' },
      queue: { type: 'string' },
    },
  })
  const { quick, report } = values
  if (values.trial) beginTrial()
  const usual = quick ? quickExtent : fullExtent
  const extent = { ...usual, budgetMs: Math.min(usual.budgetMs, limits.ms) }
  const folder = values.out ?? reportsPath(quick ? 'benchmark-quick' : 'benchmark')
  const files = { runtime, shared: sharedPath }
  const { forms, prints, missing } = await present(files, quick)
  const isSelected = selectionOf(
    values.only?.flatMap((names) => names.split(',')),
    forms,
    missing,
  )
  const about = report ? undefined : await surroundings(runtime)
  const results = await Results.open(join(folder, 'results.jsonl'), (name) => prints.get(name) as string, about)
  const trained = report ? results.learned : await trainedFiles()
  const hasBrowser = report || findChromium() !== undefined
  if (!hasBrowser) missing.set('wasm', 'there is no Chromium; "npm test" installs one')
  if (trained.length === 0 && !quick)
    missing.set('learned methods', 'nothing has been trained; "npm run benchmark -- learned" does')
  const plans = forms.map((form) => {
    const isOwn = (file: string): boolean => form.learned !== undefined && learnedName(file)?.beginning === form.learned
    const int8 = form.files(files).int8 !== undefined
    return new SubjectPlan(form, extent, { int8, web: hasBrowser, learned: trained.filter(isOwn).sort() }, results)
  })
  for (const [name, reason] of missing) process.stderr.write(`${name} is left out: ${reason}\n`)
  if (values.again) results.forget(plans.flatMap((plan) => plan.cells()).filter(isSelected))
  if (!report) {
    await using cells =
      values.queue === undefined
        ? undefined
        : await openCellQueue(values.queue, (text) => void process.stderr.write(text))
    const queue = cells && { cells, filesOf: (subject: string) => prints.get(subject) as string }
    await measureAll({ files, plans, results, examples: extent.examples, isSelected, queue })
  }
  const { date } = results
  const subjects = plans.map((plan) => ({ plan, rows: plan.rows() }))
  const page = reportPage({ subjects, results, missing, date, quick })
  await writeWhole(join(folder, 'report.html'), page)
  process.stderr.write(`The report is ${join(folder, 'report.html')}, next to the numbers.\n`)
  if (!values.publish) return 0
  const lines = subjects.flatMap((shown) => summary(shown, { date, quick, ...results.surroundings }))
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  await writeWhole(projectPath('docs/results/benchmark.jsonl'), text)
  await writeWhole(projectPath('docs/results/benchmark.html'), page)
  return 0
}

async function trainedFiles(): Promise<string[]> {
  const names = await readdir(learnedPath('')).catch(() => [])
  return names.filter((name) => /^[^.]+\.onnx$/.test(name)).map((name) => name.replace(/\.onnx$/, ''))
}

/** Subjects whose files exist, and why the others are left out. */
async function present(files: Files, quick: boolean) {
  const forms: ComparedForm[] = []
  const prints = new Map<string, string>()
  const missing = new Map<string, string>()
  for (const form of comparedForms) {
    if (quick && !form.embedded) {
      missing.set(form.name, 'a quick run has only the models of the project')
      continue
    }
    try {
      prints.set(form.name, await fingerprint(form, files))
      for (const split of ['calibration', 'test'] as const) {
        if (form.examples[split] > 0) await dataOf(form, files, split, 1)
      }
      forms.push(form)
    } catch (error) {
      if (!isTpError(error) || error.code !== 'TP_FILE_NOT_FOUND') throw error
      missing.set(form.name, error.message)
    }
  }
  return { forms, prints, missing }
}

const KINDS = ['accuracy', 'tuned', 'speed', 'shift', 'node', 'wasm']

/** Which cells are meant by names of subjects and kinds. @throws TpError TP_OPTION */
function selectionOf(
  only: readonly string[] | undefined,
  forms: readonly ComparedForm[],
  missing: ReadonlyMap<string, string>,
): (cell: ComparisonCell) => boolean {
  if (only === undefined) return () => true
  const names = [...forms.map(({ name }) => name), ...KINDS]
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const reason = missing.get(unknown) ?? `there is no ${unknown}`
    throw new TpError('TP_OPTION', 'benchmark', `${reason}; --only takes ${names.join(', ')}`)
  }
  return (cell) =>
    cellKey(cell)
      .split('/')
      .some((part) => only.includes(part))
}
