import { readFile } from 'node:fs/promises'
import { fromPlan, type Plan } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import type { Runtime, Session } from '@tp/core/runtime'
import { accuracyInterval, accuracyLoss, expectedLosses, type Speedup } from '@tp/eval/metrics'
import { answerOf, cascade, uncertaintyOf } from '@tp/guard'
import { encodeModel } from '@tp/onnx'
import { wasmRuntime } from '@tp/runtime-web'
import { type Cell, type Measurements, type TunedPlan, tune, type Variant } from '@tp/tune'
import { mean } from 'simple-statistics'
import { reportsPath, writeWhole } from '../files.ts'
import { type Answers, answersOf } from '../measure/answers.ts'
import { feedsAt, timeFiles } from '../measure/measure.ts'
import { prunedModel, withoutDeadTokens } from '../measure/prepare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { entryOf, methodOf } from '../registry/methods.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import { factor, interval, percent, points } from '../report/numbers.ts'
import type { Context, Findings, Report, Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { CHOSEN_BY, sdtpOfReviews } from '../training/networks.ts'
import { timeOnEach } from '../tuning/time-on-each.ts'
import { uniformWithin } from '../tuning/uniform.ts'

/** A model with what is tuned of it. */
interface TuningCase {
  readonly name: string
  readonly subject: SubjectName
  /** Examples to choose by. */
  readonly calibration: number
  readonly maxLoss: number
  readonly variants: (context: Context) => Promise<readonly Variant[]>
}

const untrained: readonly Variant[] = [
  ...['received-attention', 'value-aware', 'cls-attention', 'balanced'].map((name) => ({ entry: entryOf(name) })),
  { entry: entryOf('balanced'), params: { values: true } },
]

/** Mails lose little whatever is pruned; reviews lose more. */
const cases: readonly TuningCase[] = [
  {
    name: 'mail',
    subject: 'mail',
    calibration: Number.POSITIVE_INFINITY,
    maxLoss: 0.5,
    variants: async () => untrained,
  },
  {
    name: 'minilm-sentiment',
    subject: 'minilm-imdb',
    calibration: CHOSEN_BY,
    maxLoss: 1,
    async variants(context) {
      const method = methodOf(await sdtpOfReviews(context))
      return [...untrained, { entry: { ...entryOf('sdtp'), create: () => method } }]
    },
  },
]

/** `web` is the wasm of browsers, run by Node. */
const devices = { node: 'Node', web: 'wasm' } as const
type Device = keyof typeof devices

function runtimeOf(device: Device, { runtime }: Context): Runtime {
  return device === 'node' ? runtime : wasmRuntime()
}

const NONE: Plan = { format: 1, method: 'none' }

/** Test examples that are timed one by one; and once each, where it matters which answers are run on the dense model. */
const [TIMED, TIMED_ONCE] = [40, 500]

/** A case's test data with what its plans answer; answers do not depend on the device. */
class Test {
  readonly context: Context
  readonly subject: Subject
  readonly #entries: readonly MethodEntry[]

  private constructor(context: Context, subject: Subject, entries: readonly MethodEntry[]) {
    this.context = context
    this.subject = subject
    this.#entries = entries
  }

  static async open(context: Context, { subject, variants }: TuningCase): Promise<Test> {
    const entries = (await variants(context)).map(({ entry }) => entry)
    return new Test(context, await openSubject(context, subjects[subject], 'test'), entries)
  }

  fileOf(plan: Plan): Uint8Array {
    const { model, name } = this.subject
    const pruned =
      plan.method === 'none' ? withoutDeadTokens(model, name) : prunedModel(model, fromPlan(plan, this.#entries), name)
    return encodeModel(pruned)
  }

  answers(plan: Plan): Promise<Answers> {
    return answersOf(this.context, this.fileOf(plan), this.subject.inputs, planText(plan))
  }

  /** How many times as fast as the first, by name: test examples one by one. */
  async speeds(device: Device, plans: Readonly<Record<string, Plan>>): Promise<Record<string, Speedup>> {
    const files = Object.values(plans).map((plan) => this.fileOf(plan))
    const feeds = await feedsAt(this.subject, this.subject.inputs, { examples: TIMED })
    const times = await timeFiles(runtimeOf(device, this.context), files, feeds, { rounds: 60, budgetMs: 60_000 })
    return Object.fromEntries(Object.keys(plans).map((name, i) => [name, times[i]?.speedup as Speedup]))
  }
}

/** The row of a cascade's pruned model by itself. */
const ALONE = 'without fallback'

function tuned(one: TuningCase, device: Device, isCascade: boolean): Section {
  return {
    name: [one.name, device, ...(isCascade ? ['cascade'] : [])].join('-'),
    async run(context) {
      const plan = await tunedPlan(context, one, device, isCascade)
      const test = await Test.open(context, one)
      const own = plan.regimes.at(-1)?.plan as Plan
      const { uniform: tried, confident, grid, loss } = plan.figures
      context.onProgress('the plan on test examples')
      const [dense, alone] = [await test.answers(NONE), await test.answers(own)]
      const fallback = uncertain(alone.logits, plan.cascade?.threshold ?? Number.POSITIVE_INFINITY)
      const final = withFallback(alone.logits, dense.logits, fallback)
      const expected = (logits: Answers['logits']): number => expectedLoss(dense.logits, logits.map(answerOf))
      context.onProgress('schedules with one ratio at all layers that lose as much')
      const ways = tried === undefined || wayText(tried) === wayText(own) ? [own] : [own, tried]
      const equal = await uniformWithin({
        layers: test.subject.layers,
        ways,
        losesMore: async (uniform) => expected((await test.answers(uniform)).logits) > expected(final),
      })
      const asSafe = equal.map((safe, i) => [`uniform, as safe ${i}`, safe] as const)
      const plans: Record<string, Plan> = {
        dense: NONE,
        tuned: own,
        ...(tried && { uniform: tried }),
        ...Object.fromEntries(asSafe),
      }
      context.onProgress(`times of ${Object.keys(plans).length} models`)
      const first = await test.speeds(device, plans)
      const [fastest] = asSafe
        .map(([name]) => name)
        .sort((a, b) => (first[b] as Speedup).value - (first[a] as Speedup).value)
      for (const [name] of asSafe) if (name !== fastest) delete plans[name]
      const speeds = plan.cascade === undefined ? first : await timedWithFallback(test, device, plans, plan.cascade)
      if (plan.cascade !== undefined) plans[ALONE] = own
      const lines = await Promise.all(
        Object.entries(plans).map(async ([name, plan]): Promise<Line> => {
          const logits = name === 'tuned' ? final : (await test.answers(plan)).logits
          return { name, plan, logits, expected: expected(logits), speedup: speeds[name] as Speedup }
        }),
      )
      const limit = plan.regimes[0]?.upTo ?? 0
      const routed = grid.map(({ positions, speedup }) => (positions <= limit ? 1 : speedup))
      const gain = (name: string | undefined): string =>
        name === undefined || plans[name] === undefined
          ? '–'
          : factor((speeds.tuned as Speedup).value / (speeds[name] as Speedup).value)
      const { targets } = test.subject.inputs
      const timedOn = plan.cascade === undefined ? TIMED : Math.min(TIMED_ONCE, targets.length)
      const figures = [
        ['points allowed', `${one.maxLoss}${confident ? ', confident' : ''}`],
        ['loss where verified', loss === undefined ? 'nothing is pruned' : points(loss)],
        ['speed over the grid, dense where that is faster: mean', factor(mean(routed))],
        ['the same: least', factor(Math.min(...routed))],
        ['over the uniform plan chosen on the same examples', gain('uniform')],
        ['over the fastest uniform plan that loses no more on test', gain(fastest)],
        ...(plan.cascade === undefined
          ? []
          : [
              ['fallback below a probability of', percent(1 - plan.cascade.threshold)],
              ['fallback where chosen', percent(plan.cascade.share)],
              ['fallback on test', percent(mean(fallback.map(Number)))],
            ]),
      ]
      const caption = `${targets.length} test examples, speed-up one by one on ${timedOn} of them, over dense without its dead tokens`
      return {
        tables: [
          tableOf(caption, lineColumns(dense.logits, targets), lines),
          gridTable(grid, limit),
          { caption: 'The plan in figures', headings: ['figure', 'value'], rows: figures },
        ],
        values: { plan, speeds, routed } satisfies Values & Record<string, unknown>,
      }
    },
  }
}

/** What a section keeps for the others. */
interface Values {
  readonly plan: TunedPlan
}

async function tunedPlan(context: Context, one: TuningCase, device: Device, isCascade: boolean): Promise<TunedPlan> {
  const { name, subject, calibration, maxLoss, variants } = one
  const { model, inputs } = await openSubject(context, subjects[subject], 'calibration', calibration)
  // What is measured on the examples is the same for all devices.
  const path = reportsPath(`tuning/${name}.json`)
  const known = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as Measurements
  return tune({
    model,
    inputs,
    maxLoss,
    known,
    variants: await variants(context),
    runtime: context.runtime,
    device: runtimeOf(device, context),
    ...(isCascade && { cascade: true }),
    onMeasured: (all) => writeWhole(path, JSON.stringify(all)),
    onProgress: ({ stage, done, total, best }) =>
      context.onProgress(`${stage} ${done} of ${total}${best === undefined ? '' : `, best so far ${best}`}`),
  })
}

/** Which answers are at least so uncertain. */
export function uncertain(logits: Answers['logits'], threshold: number): boolean[] {
  return logits.map((row) => uncertaintyOf(row, 'probability') >= threshold)
}

/** A pruned model's answers, and the dense one's where it fell back to it. */
export function withFallback(
  pruned: Answers['logits'],
  dense: Answers['logits'],
  fallback: readonly boolean[],
): (readonly number[])[] {
  return pruned.map((row, i) => (fallback[i] ? (dense[i] as readonly number[]) : row))
}

/** Points that turned answers cost by the dense model's own probabilities, mean over examples. */
export function expectedLoss(dense: Answers['logits'], predictions: readonly number[]): number {
  return mean(expectedLosses({ logits: Float32Array.from(dense.flat()), classes: dense[0]?.length ?? 0 }, predictions))
}

/** Many test examples once on every model, and on the cascade of the tuned one. */
async function timedWithFallback(
  test: Test,
  device: Device,
  plans: Readonly<Record<string, Plan>>,
  { uncertainty, threshold }: NonNullable<TunedPlan['cascade']>,
): Promise<Record<string, Speedup>> {
  const { context, subject } = test
  const load = (plan = NONE): Promise<Session> => runtimeOf(device, context).load(test.fileOf(plan), { threads: 1 })
  const sessions: Record<string, Session> = {}
  try {
    for (const [name, plan] of Object.entries(plans)) {
      const own = await load(plan)
      if (name === 'tuned') sessions[ALONE] = own
      else sessions[name] = own
    }
    sessions.tuned = cascade({ pruned: await load(plans.tuned), dense: await load(), uncertainty, threshold })
    return await timeOnEach(
      sessions,
      (row) => subject.inputs.feeds([row]),
      subject.lengths.map((_, i) => i).slice(0, TIMED_ONCE),
      (part, parts) => context.onProgress(`timing test examples, part ${part} of ${parts}`),
    )
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

interface Line {
  readonly name: string
  readonly plan: Plan
  readonly logits: Answers['logits']
  readonly expected: number
  readonly speedup: Speedup
}

function lineColumns(dense: Answers['logits'], targets: readonly number[]): Columns<Line> {
  const right = (logits: Answers['logits']): number[] => logits.map((row, i) => Number(answerOf(row) === targets[i]))
  return {
    model: ({ name }) => name.replace(/ \d+$/, ''),
    accuracy: ({ logits }) => points(accuracyInterval(right(logits))),
    loss: ({ logits }) => points(accuracyLoss(right(dense), right(logits))),
    'expected loss': ({ expected }) => expected.toFixed(2),
    'speed-up': ({ speedup }) => factor(speedup.value),
    '95 % interval': ({ speedup }) => interval(speedup),
    plan: ({ plan }) => planText(plan),
  }
}

function gridTable(grid: readonly Cell[], limit: number): Table {
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
const wrongDevice: Section = {
  name: 'wrong-device',
  async run(context) {
    const rows: { name: string; device: Device; own: Speedup; other: Speedup }[] = []
    for (const one of cases) {
      const planOf = (device: Device): Plan | undefined => {
        const values = context.found(`${one.name}-${device}`)?.values as Values | undefined
        return values?.plan.regimes.at(-1)?.plan
      }
      const [node, web] = [planOf('node'), planOf('web')]
      if (node === undefined || web === undefined) continue
      const test = await Test.open(context, one)
      for (const device of ['node', 'web'] as const) {
        context.onProgress(`${one.name} in ${devices[device]}`)
        const speeds = await test.speeds(device, { dense: NONE, node, web })
        const [own, other] = [speeds[device] as Speedup, speeds[device === 'node' ? 'web' : 'node'] as Speedup]
        rows.push({ name: one.name, device, own, other })
      }
    }
    if (rows.length === 0) {
      const names = cases.flatMap(({ name }) => [`${name}-node`, `${name}-web`])
      throw new TpError(
        'TP_OPTION',
        'benchmark',
        `no model has plans of both devices yet; run ${names.join(', ')} first`,
      )
    }
    const columns: Columns<(typeof rows)[number]> = {
      model: ({ name }) => name,
      'runs in': ({ device }) => devices[device],
      'own plan': ({ own }) => factor(own.value),
      "the other device's plan": ({ other }) => factor(other.value),
      'own over other': ({ own, other }) => factor(own.value / other.value),
    }
    const caption = 'Speed-up over dense without its dead tokens, test examples one by one'
    return { tables: [tableOf(caption, columns, rows)], values: rows } satisfies Findings
  },
}

function planText(plan: Plan): string {
  if (plan.method === 'none') return 'without its dead tokens'
  const { layers = [], keep } = plan
  return `${wayText(plan)}, keep ${[keep].flat().join(' ')} at layers ${Object.values(layers).flat().join(' ')}`
}

function wayText({ method, params = {} }: Plan): string {
  return [method, ...Object.entries(params).map(([name, value]) => `${name} ${value}`)].join(', ')
}

export const tuning: Report = {
  name: 'tuning',
  sections: [
    ...cases.flatMap((one) =>
      [false, true].flatMap((isCascade) => (['node', 'web'] as const).map((device) => tuned(one, device, isCascade))),
    ),
    wrongDevice,
  ],
}
