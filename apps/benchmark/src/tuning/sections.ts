import { readFile } from 'node:fs/promises'
import type { Plan } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { accuracyInterval, type Speedup } from '@tp/eval/metrics'
import { cascade } from '@tp/guard'
import { type Cell, type Measurements, type TunedPlan, tune } from '@tp/tune'
import { mean } from 'simple-statistics'
import { behind } from '../measure/compare.ts'
import { stratifiedSample } from '../measure/sample.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { factor, interval, percent, plusMinus, points } from '../output/numbers.ts'
import { writeWhole } from '../output/write-file.ts'
import { reportPath } from '../report/report.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { cases, type DeviceName, deviceOf, type Form, forms, type TuningCase } from './cases.ts'
import { expectedLoss, uniformWithin } from './equal-loss.ts'
import { type Answers, fileOf, TestAnswers, uncertain, withAgain } from './test-answers.ts'
import { timeOnEach } from './time-on-each.ts'

const NONE: Plan = { format: 1, method: 'none' }

/** What a section keeps for the others. */
interface Values {
  readonly plan: TunedPlan
}

export const sections: readonly Section[] = [
  ...cases.flatMap((one) =>
    (['file', 'cascade'] as const).flatMap((form) =>
      (['node', 'web'] as const).map((device) => tuned(one, device, form)),
    ),
  ),
  { name: 'wrong-device', title: 'A plan that was tuned on another device', run: wrongDevice },
]

function sectionName({ name }: TuningCase, device: DeviceName, form: Form = 'file'): string {
  return [name, device, ...(form === 'file' ? [] : [form])].join('-')
}

function tuned(one: TuningCase, device: DeviceName, form: Form): Section {
  return {
    name: sectionName(one, device, form),
    title: `${one.name}, tuned ${deviceText(device)}${form === 'file' ? '' : ' as a cascade'}`,
    async run(context) {
      const calibration = await one.calibration(context)
      const plan = await tunedPlan(context, one, device, form, calibration)
      return report(context, one, device, plan)
    },
  }
}

async function tunedPlan(
  context: Context,
  { name, maxLoss, variants }: TuningCase,
  device: DeviceName,
  form: Form,
  { model, inputs }: Subject,
): Promise<TunedPlan> {
  // What is measured on the examples is the same for all devices.
  const path = reportPath('json', `tuning/${name}`)
  const known = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as Measurements
  return tune({
    model,
    inputs,
    variants: await variants(context),
    runtime: context.runtime,
    device: deviceOf(device, context),
    maxLoss,
    ...forms[form],
    known,
    onMeasured: (all) => writeWhole(path, JSON.stringify(all)),
    onProgress: ({ stage, done, total, best }) =>
      context.onProgress(`${stage} ${done} of ${total}${best === undefined ? '' : `, best so far ${best}`}`),
  })
}

async function entriesOf(context: Context, { variants }: TuningCase): Promise<MethodEntry[]> {
  return (await variants(context)).map(({ entry }) => entry)
}

/** Test examples that are timed, one by one. */
const TIMED = 40

/** Those that are timed once each, where it matters which answers are run again. */
const TIMED_ONCE = 500

async function report(context: Context, one: TuningCase, device: DeviceName, plan: TunedPlan): Promise<Findings> {
  const test = await one.test(context)
  const entries = await entriesOf(context, one)
  const own = plan.regimes.at(-1)?.plan as Plan
  const { uniform: tried, confident } = plan.figures
  const plans: Record<string, Plan> = { dense: NONE, tuned: own, ...(tried && { uniform: tried }) }
  const answers = await TestAnswers.open(context.runtime, test, one.name, entries)
  context.onProgress(`the plan on ${test.lengths.length} examples`)
  const [dense, alone] = (await answers.ofAll([NONE, own])) as [Answers, Answers]
  const again = uncertain(alone, plan.cascade?.threshold ?? Number.POSITIVE_INFINITY)
  const tuned = withAgain(alone, dense, again)
  context.onProgress('schedules with one ratio at all layers that lose as much')
  const ways = tried === undefined || wayText(tried) === wayText(own) ? [own] : [own, tried]
  const { layerCount } = test
  const equal = await uniformWithin(answers, { layerCount, dense, loss: expectedLoss(dense, tuned), ways })
  for (const [i, safe] of equal.entries()) plans[`as safe ${i}`] = safe
  context.onProgress(`times of ${Object.keys(plans).length} models`)
  const files = Object.fromEntries(Object.entries(plans).map(([name, plan]) => [name, fileOf(test, plan, entries)]))
  const some = await timed(context, device, test, files)
  const asSafe = Object.keys(plans).filter((name) => name.startsWith('as safe'))
  const [fastest] = asSafe.sort((a, b) => (some[b] as Speedup).value - (some[a] as Speedup).value)
  const shown = Object.keys(plans).filter((name) => !asSafe.includes(name) || name === fastest)
  const shownFiles = Object.fromEntries(shown.map((name) => [name, files[name] as Uint8Array]))
  const speeds = plan.cascade === undefined ? some : await timedOnMany(context, device, test, shownFiles, plan.cascade)
  const lines = shown.map((name) => ({
    name,
    label: name === fastest ? 'uniform, as safe' : name,
    plan: plans[name] as Plan,
  }))
  if (plan.cascade !== undefined) lines.splice(2, 0, { name: ALONE, label: ALONE, plan: own })
  const rows = await Promise.all(
    lines.map(async ({ name, label, plan }) => {
      const answer = name === 'tuned' ? tuned : await answers.of(plan)
      const { value, low, high } = speeds[name] as Speedup
      return [
        label,
        plusMinus(accuracyInterval(rightOf(answer))),
        points(behind(rightOf(dense), rightOf(answer))),
        expectedLoss(dense, answer).toFixed(2),
        factor(value),
        interval({ low, high }),
        name === 'dense' ? 'without its dead tokens' : planText(plan),
      ]
    }),
  )
  const { grid, loss } = plan.figures
  const limit = plan.regimes[0]?.upTo ?? 0
  const routed = grid.map(({ positions, speedup }) => (positions <= limit ? 1 : speedup))
  const gain = (name = 'dense'): number => (speeds.tuned as Speedup).value / (speeds[name]?.value ?? 1)
  const gains = { overUniform: gain('uniform'), overAsSafe: gain(fastest) }
  const agains = again.filter(Boolean).length / again.length
  const timedOn =
    plan.cascade === undefined
      ? `one by one on ${TIMED} of them`
      : `one by one on ${Math.min(TIMED_ONCE, test.lengths.length)} of them, their times together`
  return {
    tables: [
      {
        caption: `Up to ${one.maxLoss} points may be lost${confident ? ', for sure' : ''}; ${test.lengths.length} test examples, speed-up ${timedOn}, over dense without its dead tokens`,
        headings: ['model', 'accuracy', 'loss', 'by belief', 'speed-up', '95 % interval', ''],
        rows,
      },
      gridTable(grid, limit),
    ],
    notes: [
      ...(plan.cascade === undefined
        ? []
        : [
            `Answers that are less than ${percent(1 - plan.cascade.threshold)} sure are run again dense: ` +
              `${percent(plan.cascade.share)} of the examples that were chosen by, ${percent(agains)} of those of the test.`,
          ]),
      `Where the plan was verified it lost ${loss === undefined ? 'nothing, since nothing is pruned' : points(loss)}. ` +
        `Over the grid, dense where that is faster: mean ${factor(mean(routed))}, least ${factor(Math.min(...routed))}. ` +
        (tried === undefined
          ? 'No uniform plan held where it was verified, so that dense would have been left; the tuned plan is '
          : `The tuned plan is ${factor(gains.overUniform)} as fast as the uniform one that was chosen on the same examples, and `) +
        `${factor(gains.overAsSafe)} as fast as the fastest uniform one that loses no more on test.`,
    ],
    values: { plan, speeds, gains, routed, again: agains } satisfies Values & Record<string, unknown>,
  }
}

/** The row of a cascade's pruned model by itself. */
const ALONE = 'nothing run again'

/** Many test examples once on every model, and on the cascade of the tuned one. */
async function timedOnMany(
  context: Context,
  device: DeviceName,
  { inputs, lengths }: Subject,
  { tuned, ...others }: Readonly<Record<string, Uint8Array>>,
  { uncertainty, threshold }: NonNullable<TunedPlan['cascade']>,
): Promise<Record<string, Speedup>> {
  const runtime = deviceOf(device, context)
  const load = (file: Uint8Array | undefined): Promise<Session> => runtime.load(file as Uint8Array, { threads: 1 })
  const sessions: Record<string, Session> = {}
  try {
    for (const [name, file] of Object.entries(others)) sessions[name] = await load(file)
    sessions[ALONE] = await load(tuned)
    sessions.tuned = cascade({ pruned: await load(tuned), dense: await load(others.dense), uncertainty, threshold })
    return await timeOnEach(
      sessions,
      (row) => inputs.feeds([row]),
      lengths.map((_, i) => i).slice(0, TIMED_ONCE),
      (part, parts) => context.onProgress(`timing test examples, part ${part} of ${parts}`),
    )
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

function rightOf({ correct }: Pick<Answers, 'correct'>): number[] {
  return correct.map(Number)
}

function gridTable(grid: readonly Cell[], limit: number): Findings['tables'][number] {
  const batches = [...new Set(grid.map(({ batch }) => batch))]
  const lengths = [...new Set(grid.map(({ tokens }) => tokens))]
  const cellText = (cell: Cell | undefined): string => {
    if (cell === undefined) return '–'
    return `${factor(cell.speedup)} (${interval(cell)})${cell.positions <= limit ? ', runs dense' : ''}`
  }
  return {
    caption: 'Speed-up of the pruned model over dense without its dead tokens, by batch and tokens of each row',
    headings: ['batch', ...lengths.map((tokens) => `${tokens}`)],
    rows: batches.map((batch) => [
      `${batch}`,
      ...lengths.map((tokens) => cellText(grid.find((cell) => cell.batch === batch && cell.tokens === tokens))),
    ]),
  }
}

/** Each device runs its own plan and the other one's. */
async function wrongDevice(context: Context): Promise<Findings> {
  const rows: string[][] = []
  const values: unknown[] = []
  for (const one of cases) {
    const plans = (['node', 'web'] as const).flatMap((device) => {
      const found = context.found(sectionName(one, device))?.values as Values | undefined
      return found === undefined ? [] : [{ device, plan: found.plan.regimes.at(-1)?.plan as Plan }]
    })
    if (plans.length < 2) continue
    const [test, entries] = [await one.test(context), await entriesOf(context, one)]
    const files = Object.fromEntries([
      ['dense', fileOf(test, NONE, entries)],
      ...plans.map(({ device, plan }) => [device, fileOf(test, plan, entries)]),
    ])
    for (const device of ['node', 'web'] as const) {
      context.onProgress(`${one.name} ${deviceText(device)}`)
      const speeds = await timed(context, device, test, files)
      const [own, other] = [speeds[device] as Speedup, speeds[device === 'node' ? 'web' : 'node'] as Speedup]
      rows.push([one.name, deviceText(device), factor(own.value), factor(other.value), factor(own.value / other.value)])
      values.push({ name: one.name, device, own, other })
    }
  }
  if (rows.length === 0) {
    const first = cases.flatMap((one) => (['node', 'web'] as const).map((device) => sectionName(one, device)))
    throw new TpError('TP_OPTION', 'benchmark', `no model has plans of both devices yet; run ${first.join(', ')} first`)
  }
  return {
    tables: [
      {
        caption: 'Speed-up over dense without its dead tokens, test examples one by one',
        headings: ['model', 'runs', 'own plan', "the other device's plan", 'own over other'],
        rows,
      },
    ],
    notes: [],
    values,
  }
}

async function timed(
  context: Context,
  device: DeviceName,
  { inputs, lengths }: Subject,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Readonly<Record<string, Speedup>>> {
  const rows = stratifiedSample(lengths, TIMED)
  const feeds = await Promise.all(rows.map((row) => inputs.feeds([row])))
  const { variants } = await timeFiles(deviceOf(device, context), files, feeds, { rounds: 60, budgetMs: 60_000 })
  return Object.fromEntries(Object.entries(variants).map(([name, { speedup }]) => [name, speedup]))
}

function planText(plan: Plan): string {
  const { layers = [], keep } = plan
  return `${wayText(plan)}, keep ${[keep].flat().join(' ')} at layers ${layers.join(' ')}`
}

function wayText({ method, params = {} }: Plan): string {
  return [method, ...Object.entries(params).map(([name, value]) => `${name} ${value}`)].join(', ')
}

function deviceText(device: DeviceName): string {
  return device === 'node' ? 'in Node' : 'in wasm'
}
