import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { factor } from '@tp/compare'
import { isTpError, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { mean } from '@tp/metrics'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { median } from 'simple-statistics'
import { projectPath, reportsPath, sharedPath, writeWhole } from '../files.ts'
import { withRegion } from '../report/page.ts'
import { surroundings } from '../report/section.ts'
import { markdownTable, plainTable, type TableColumns, tableOf } from '../report/table.ts'
import { type ChooserCase, chooserCases } from './cases.ts'
import { choosePlans, type Draw, type JudgedDraw, judgeDraws } from './draws.ts'
import { gridOf } from './grid.ts'
import { type MeasuredPlan, PlanMeter } from './plan-meter.ts'
import { denseAnswers } from './pool-answers.ts'

export const HELP: string = `Judges what tp optimize chooses: its speed next to the best of a grid, and the true loss.

  npm run benchmark -- chooser [options]

  --only NAMES       of these models: ${chooserCases.map(({ name }) => name).join(', ')}
  --pool N           of each model's examples N, of all classes; default: 100 to 1,442
  --settings N       of each grid the first N, which are mixed; default: all
  --draws N          sets of examples to choose by, of each size; default 10
  --examples LIST    their sizes; default 100,200,400
  --limits LIST      points that may be lost; default 0.5,1
  --again N          time the N fastest settings within the limits, and what was chosen, once more: on a quiet machine

What has been measured is kept in reports/chooser, so that an interrupted run continues where it was. Each model has a region of
docs/results/chooser.md.
`

/** Data for the draws of a model, and what was found. */
interface JudgedCase {
  readonly judged: readonly JudgedDraw[]
  readonly settings: number
  readonly pool: number
}

/** @throws TpError TP_OPTION @returns the exit code */
export async function judgeChooser(runtime: Runtime, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ only: text, pool: text, settings: text, again: text, draws: { ...text, default: '10' } },
      ...{ examples: { ...text, default: '100,200,400' }, limits: { ...text, default: '0.5,1' } },
    },
  })
  const only = values.only?.split(',')
  const cases = chooserCases.filter(({ name }) => only?.includes(name) ?? true)
  if (cases.length < (only?.length ?? 1)) throw wrong(`--only is ${values.only}; see --help for the names`)
  const draws = drawsOf(values)
  const [settings, pool, again] = [values.settings, values.pool, values.again].map(numberOf)
  let code = 0
  for (const one of cases) {
    const onProgress = (done: string): void => void process.stderr.write(`${one.name}: ${done} …\n`)
    try {
      const found = await judgeCase(one, { runtime, draws, settings, pool, again, onProgress })
      if (found.judged.length > 0) await publish(one, found, runtime)
      else process.stderr.write(`${one.name}: ${found.settings} settings on ${found.pool} examples, and no draws\n`)
    } catch (error) {
      // The other models do not need this one; the error says what is missing.
      if (!isTpError(error)) throw error
      process.stderr.write(`${one.name}: ${error.message}\n`)
      code = 1
    }
  }
  return code
}

function drawsOf(values: { readonly draws: string; readonly examples: string; readonly limits: string }): Draw[] {
  const list = (texts: string): number[] => texts.split(',').map((each) => numberOf(each) as number)
  const seeds = Array.from({ length: numberOf(values.draws) ?? 0 }, (_, i) => i + 1)
  return list(values.examples).flatMap((examples) =>
    list(values.limits).flatMap((maxLoss) => seeds.map((seed) => ({ seed, examples, maxLoss }))),
  )
}

/** @throws TpError TP_OPTION */
function numberOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (value.trim() !== '' && number >= 0) return number
  throw wrong(`${value} is not a number from 0`)
}

function wrong(message: string): TpError {
  return new TpError('TP_OPTION', 'benchmark', message)
}

interface JudgeOptions {
  readonly runtime: Runtime
  readonly draws: readonly Draw[]
  readonly settings: number | undefined
  readonly pool: number | undefined
  /** How many settings are timed once more. */
  readonly again: number | undefined
  readonly onProgress: (text: string) => void
}

async function judgeCase(
  one: ChooserCase,
  { runtime, draws, settings, pool, again = 0, onProgress }: JudgeOptions,
): Promise<JudgedCase> {
  const context = { runtime, shared: sharedPath, found: () => undefined, onProgress }
  const { model, data, drawn: others } = await one.open(context, pool)
  const { inputs } = data
  const files = `chooser/${one.name}.${inputs.targets.length}`
  await using dense = await runtime.load(encodeModel(model), { threads: 1 })
  onProgress(`the dense model on ${inputs.targets.length} examples`)
  const answers = await denseAnswers(dense, data)
  const file = reportsPath(`${files}.grid.jsonl`)
  const meter = await PlanMeter.open({ runtime, model, dense, data, answers, file })
  const plans = gridOf(one).slice(0, settings)
  const grid: MeasuredPlan[] = []
  for (const [i, plan] of plans.entries()) {
    if (!meter.isKnown(plan) && i % 10 === 0) onProgress(`setting ${i + 1} of ${plans.length}`)
    grid.push(await meter.measure(plan))
  }
  // Half of the pool at least has to judge, unless others choose.
  const most = others?.inputs.targets.length ?? inputs.targets.length / 2
  const possible = draws.filter(({ examples }) => examples <= most)
  const drawn = await choosePlans(
    possible,
    {
      runtime,
      device: nodeRuntime(),
      model,
      data: others ?? data,
      eightBits: one.eightBits,
      file: reportsPath(`${files}.draws.jsonl`),
    },
    onProgress,
  )
  if (again > 0) {
    const rows = [...inputs.targets.keys()]
    const allowed = Math.max(...draws.map(({ maxLoss }) => maxLoss))
    const within = grid.filter(({ answers: own }) => own !== undefined && mean(answers.losses(own, rows)) <= allowed)
    const fastest = within.toSorted((a, b) => a.pace - b.pace).slice(0, again)
    const plans = new Map([...fastest, ...drawn].map(({ plan }) => [JSON.stringify(plan), plan]))
    onProgress(`timing ${plans.size} plans once more`)
    for (const plan of plans.values()) await meter.timeAgain(plan)
  }
  const latest = await Promise.all(grid.map(({ plan }) => meter.measure(plan)))
  const judged = await judgeDraws(drawn, latest, { meter, inputs, dense: answers, areOthers: others !== undefined })
  return { judged, settings: grid.filter((own) => own.answers !== undefined).length, pool: inputs.targets.length }
}

/** The draws of one size and limit. */
interface Group {
  readonly examples: number
  readonly maxLoss: number
  readonly draws: readonly JudgedDraw[]
}

const MARGIN = 0.5

const columns: TableColumns<Group> = {
  examples: ({ examples }) => `${examples}`,
  limit: ({ maxLoss }) => `${maxLoss}`,
  draws: ({ draws }) => `${draws.length}`,
  'speed found': ({ draws }) => factor(median(draws.map(({ speedup }) => speedup))),
  'best of the grid': ({ draws }) => factor(median(draws.map(({ best }) => 1 / best.pace))),
  'found ÷ best': ({ draws }) => median(draws.map(({ speedup, best }) => speedup * best.pace)).toFixed(2),
  'true loss, median and most': ({ draws }) => {
    const losses = draws.map(({ trueLoss }) => trueLoss)
    return `${median(losses).toFixed(2)}, ${Math.max(...losses).toFixed(2)}`
  },
  [`lost ${MARGIN} more than allowed`]: ({ draws }) =>
    share(draws, ({ trueLoss, maxLoss }) => trueLoss > maxLoss + MARGIN),
  'nothing found though there is': ({ draws }) => share(draws, ({ isMissed }) => isMissed),
  's a choice': ({ draws }) => median(draws.map(({ seconds }) => seconds)).toFixed(0),
}

function share(draws: readonly JudgedDraw[], is: (draw: JudgedDraw) => boolean): string {
  return `${Math.round((100 * draws.filter(is).length) / draws.length)} %`
}

async function publish(one: ChooserCase, { judged, settings, pool }: JudgedCase, runtime: Runtime): Promise<void> {
  const groups = new Map<string, JudgedDraw[]>()
  for (const draw of judged) {
    const key = `${draw.examples} ${draw.maxLoss}`
    groups.set(key, [...(groups.get(key) ?? []), draw])
  }
  const rows = [...groups.values()].map((draws): Group => {
    const { examples, maxLoss } = draws[0] as JudgedDraw
    return { examples, maxLoss, draws }
  })
  const caption = `${one.name} (${one.kind}): ${settings} settings, a pool of ${pool} examples`
  const table = tableOf(caption, columns, rows)
  process.stdout.write(`\n${caption}\n${plainTable(table)}\n`)
  const { machine, versions } = await surroundings(runtime)
  const origin = `*Measured ${new Date().toISOString().slice(0, 10)}: ${machine}, ${versions}.*`
  const path = projectPath('docs/results/chooser.md')
  const page = await readFile(path, 'utf8').catch(() => '# Measured: what `tp optimize` finds\n')
  await writeWhole(path, withRegion(page, one.name, `${caption}.\n\n${markdownTable(table)}\n\n${origin}`))
}
