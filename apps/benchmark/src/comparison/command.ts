import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isTpError, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { findChromium } from 'browser-tests'
import { type Files, learnedPath, projectPath, reportsPath, sharedPath, writeWhole } from '../files.ts'
import { learnedName } from '../registry/settings.ts'
import { dataOf, fingerprint } from '../registry/subjects.ts'
import { surroundings } from '../report/section.ts'
import { type Cell, cellKey } from './cell.ts'
import { SubjectPlan } from './plan.ts'
import { Progress } from './progress.ts'
import { reportPage } from './report/page.ts'
import { Results } from './results.ts'
import { measureAll } from './run.ts'
import { type ComparedForm, comparedForms } from './subjects.ts'
import { summary } from './summary.ts'
import { type Extent, fullExtent, quickExtent } from './sweep.ts'

export const HELP = `Compares methods, budgets, models, tasks and runtimes: accuracy, speed, and what other ways to save work do.

  npm run benchmark -- [options]

  --quick          a few minutes: fewer methods, budgets and examples, and only the models of the project
  --only NAMES     of these subjects (mail, digits-vit …) or kinds (accuracy, speed, shift), with commas between
  --again          measures what is asked for once more, though it is known
  --report         nothing is measured; the report is written of what is known, wherever it was measured
  --publish        the report is written to docs/results, too, with what the table in README.md is made of (npm run generate)
  --examples N     at most N examples of each part of the data
  --ms N           time for each comparison of times
  --out FOLDER     where results.jsonl and report.html are; default reports/benchmark, with --quick reports/benchmark-quick

An interrupted run continues where it was when it is started again.
`

const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const

/** Measures what is not known yet, and writes the report. @returns the exit code */
export async function compareAll(runtime: Runtime, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: flag,
      again: flag,
      report: flag,
      publish: flag,
      only: { type: 'string', multiple: true },
      examples: text,
      ms: text,
      out: text,
    },
  })
  const { quick, report } = values
  const only = values.only?.flatMap((names) => names.split(','))
  const folder = values.out ?? reportsPath(quick ? 'benchmark-quick' : 'benchmark')
  const [examples, budgetMs] = [numberOf('examples', values.examples), numberOf('ms', values.ms)]
  const extent: Extent = {
    ...(quick ? quickExtent : fullExtent),
    ...(examples && { examples }),
    ...(budgetMs && { budgetMs }),
  }
  const files = { runtime, shared: sharedPath }
  const { forms, prints, missing } = await present(files, quick)
  checkNames(only ?? [], forms, missing)
  const progress = new Progress()
  const about = report ? undefined : await surroundings(runtime)
  const results = await Results.open(join(folder, 'results.jsonl'), (name) => prints.get(name) as string, about)
  const trained = report ? results.learned : await trainedFiles()
  const hasBrowser = report || findChromium() !== undefined
  const plans = forms.map((form) => {
    const learned = trained.filter(
      (file) => form.learned !== undefined && learnedName(file)?.beginning === form.learned,
    )
    const int8 = form.files(files).int8 !== undefined
    return new SubjectPlan(form, extent, { int8, web: hasBrowser, learned: learned.sort() }, results)
  })
  if (!hasBrowser) missing.set('wasm', 'there is no Chromium; "npm test" installs one')
  if (trained.length === 0 && !quick)
    missing.set('learned methods', 'nothing has been trained; "npm run benchmark -- learned" does')
  for (const [name, reason] of missing) progress.note(`${name} is left out: ${reason}`)
  const isAsked = (cell: Cell): boolean =>
    only === undefined ||
    cellKey(cell)
      .split('/')
      .some((part) => only.includes(part))
  if (values.again) results.forget(plans.flatMap((plan) => plan.cells()).filter(isAsked))
  if (!report) await measureAll({ files, plans, results, examples: extent.examples, isAsked, progress })
  await write(folder, plans, results, { missing, quick, publishes: values.publish })
  progress.note(`The report is ${join(folder, 'report.html')}, next to the numbers.`)
  return 0
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new TpError('TP_OPTION', 'benchmark', `--${name} is ${text}; give a whole number above 0`)
}

interface Written {
  readonly missing: ReadonlyMap<string, string>
  readonly quick: boolean
  readonly publishes: boolean
}

async function write(
  folder: string,
  plans: readonly SubjectPlan[],
  results: Results,
  { missing, quick, publishes }: Written,
): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const subjects = plans.map((plan) => ({ plan, rows: plan.rows() }))
  const { machine, versions } = results.surroundings
  const lines = subjects.flatMap(({ plan, rows }) => summary(plan, rows, { date, quick, machine, versions }))
  const page = reportPage({ subjects, results, missing, date, quick })
  await writeWhole(join(folder, 'report.html'), page)
  if (!publishes) return
  await writeWhole(
    projectPath('docs/results/benchmark.jsonl'),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  )
  await writeWhole(projectPath('docs/results/benchmark.html'), page)
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

const KINDS = ['accuracy', 'speed', 'shift', 'node', 'wasm']

/** @throws TpError TP_OPTION */
function checkNames(
  only: readonly string[],
  forms: readonly ComparedForm[],
  missing: ReadonlyMap<string, string>,
): void {
  const names = [...forms.map(({ name }) => name), ...KINDS]
  for (const name of only) {
    if (names.includes(name)) continue
    const reason = missing.get(name) ?? `there is no ${name}`
    throw new TpError('TP_OPTION', 'benchmark', `${reason}; --only takes ${names.join(', ')}`)
  }
}
