import { readFile } from 'node:fs/promises'
import { factor, points } from '@tp/compare'
import { type Plan, transform, transformsOf } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { Runtime, Session } from '@tp/core/runtime'
import { answerOf, cascade } from '@tp/guard'
import { accuracyInterval, accuracyLoss, expectedLosses, type Speedup } from '@tp/metrics'
import { encodeModel } from '@tp/onnx'
import { type Cell, type Measurements, type TunedPlan, tune, type Variant } from '@tp/optimize'
import { wasmRuntime } from '@tp/runtime-web'
import { mean } from 'simple-statistics'
import { reportsPath, writeWhole } from '../files.ts'
import { uncertain, withFallback } from '../guard/cascades.ts'
import { answersOf, type MeasuredAnswers, rightOf } from '../measure/answers.ts'
import { withoutDeadTokens } from '../measure/prepare.ts'
import { type MeasuredSubject, openSubject } from '../measure/subject.ts'
import { entryOf, methodOf } from '../registry/methods.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import { interval, percent } from '../report/numbers.ts'
import type { Report, ReportSection, SectionContext } from '../report/section.ts'
import { type Table, type TableColumns, tableOf } from '../report/table.ts'
import { CHOSEN_BY, sdtpOfReviews } from '../training/networks.ts'
import { timeOnEach } from '../tuning/time-on-each.ts'
import { uniformWithin } from '../tuning/uniform.ts'

type Logits = MeasuredAnswers['logits']

/** A model with what is tuned of it. */
interface TuningCase {
  readonly name: string
  readonly subject: SubjectName
  /** Examples to choose by. */
  readonly calibration: number
  readonly maxLoss: number
  readonly variants: (context: SectionContext) => Promise<readonly Variant[]>
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

function runtimeOf(device: Device, { runtime }: SectionContext): Runtime {
  return device === 'node' ? runtime : wasmRuntime()
}

const NONE: Plan = { format: 1, method: 'none' }

/** A case's test data with what its plans answer; answers do not depend on the device. */
class Test {
  readonly context: SectionContext
  readonly subject: MeasuredSubject
  readonly #entries: readonly MethodEntry[]

  private constructor(context: SectionContext, subject: MeasuredSubject, entries: readonly MethodEntry[]) {
    this.context = context
    this.subject = subject
    this.#entries = entries
  }

  static async open(context: SectionContext, { subject, variants }: TuningCase): Promise<Test> {
    const entries = (await variants(context)).map(({ entry }) => entry)
    return new Test(context, await openSubject(context, subjects[subject], 'test'), entries)
  }

  fileOf(plan: Plan): Uint8Array {
    const { model } = this.subject
    const pruned =
      plan.method === 'none' ? withoutDeadTokens(model) : transform(model, ...transformsOf(plan, this.#entries)).model
    return encodeModel(pruned)
  }

  async logits(plan: Plan): Promise<Logits> {
    return (await answersOf(this.context, this.fileOf(plan), this.subject.inputs, planText(plan))).logits
  }
}

/** Names of plans that have a place of their own. */
const [DENSE, TUNED, ALONE, UNIFORM, AS_SAFE] = ['dense', 'tuned', 'without fallback', 'uniform', 'uniform, as safe']

function tuned(one: TuningCase, device: Device, isCascade: boolean): ReportSection {
  const sectionOf = (own: Device): string => [one.name, own, ...(isCascade ? ['cascade'] : [])].join('-')
  return {
    name: sectionOf(device),
    async run(context) {
      const plan = await tunedPlan(context, one, device, isCascade)
      const test = await Test.open(context, one)
      const own = leanest(plan)
      const { uniform, confident, grid, loss } = plan.figures
      context.onProgress('the plan on test examples')
      const [dense, alone] = [await test.logits(NONE), await test.logits(own)]
      const fallback = uncertain(alone, plan.cascade?.threshold ?? Number.POSITIVE_INFINITY)
      const final = withFallback(alone, dense, fallback)
      const expected = (logits: Logits): number => expectedLoss(dense, logits.map(answerOf))
      context.onProgress('schedules with one ratio at all layers that lose as much')
      const asSafe = await uniformWithin({
        layers: test.subject.layers,
        ways: uniform === undefined || wayText(uniform) === wayText(own) ? [own] : [own, uniform],
        losesMore: async (other) => expected(await test.logits(other)) > expected(final),
      })
      const [otherDevice] = (Object.keys(devices) as Device[]).filter((other) => other !== device)
      const elsewhere = context.found(sectionOf(otherDevice as Device))?.values as Values | undefined
      const plans: Record<string, Plan> = {
        [DENSE]: NONE,
        [TUNED]: own,
        ...(plan.cascade && { [ALONE]: own }),
        ...(uniform && { [UNIFORM]: uniform }),
        ...Object.fromEntries(asSafe.map((safe, i) => [`${AS_SAFE} ${i}`, safe])),
        ...(elsewhere && { [`tuned in ${devices[otherDevice as Device]}`]: leanest(elsewhere.plan) }),
      }
      const speeds = await timed(test, device, plans, plan.cascade)
      const speedOf = (name: string): number => (speeds[name] as Speedup).value
      const [fastest, ...slower] = Object.keys(plans)
        .filter((name) => name.startsWith(AS_SAFE))
        .sort((a, b) => speedOf(b) - speedOf(a))
      for (const name of slower) delete plans[name]
      const lines: Line[] = []
      for (const [name, shown] of Object.entries(plans)) {
        const logits = name === TUNED ? final : await test.logits(shown)
        lines.push({ name, plan: shown, logits, expected: expected(logits), speedup: speeds[name] as Speedup })
      }
      const limit = plan.regimes[0]?.upTo ?? 0
      const routed = grid.map(({ positions, speedup }) => (positions <= limit ? 1 : speedup))
      const gain = (name: string | undefined): string =>
        name === undefined || plans[name] === undefined ? '–' : factor(speedOf(TUNED) / speedOf(name))
      const { targets } = test.subject.inputs
      const figures = [
        ['points allowed', `${one.maxLoss}${confident ? ', confident' : ''}`],
        ['loss where verified', loss === undefined ? 'nothing is pruned' : points(loss)],
        ['speed over the grid, dense where that is faster: mean', factor(mean(routed))],
        ['the same: least', factor(Math.min(...routed))],
        ['over the uniform plan chosen on the same examples', gain(UNIFORM)],
        ['over the fastest uniform plan that loses no more on test', gain(fastest)],
        ...(plan.cascade === undefined
          ? []
          : [
              ['fallback below a probability of', percent(1 - plan.cascade.threshold)],
              ['fallback where chosen', percent(plan.cascade.share)],
              ['fallback on test', percent(mean(fallback.map(Number)))],
            ]),
      ]
      const caption = `${targets.length} test examples, speed-up one by one on ${Math.min(TIMED, targets.length)} of them, over dense without its dead tokens`
      return {
        tables: [
          tableOf(caption, lineColumns(dense, targets), lines),
          gridTable(grid, limit),
          { caption: 'The plan in figures', headings: ['figure', 'value'], rows: figures },
        ],
        values: { plan, speeds, routed } satisfies Values & Record<string, unknown>,
      }
    },
  }
}

/** The results that a section keeps for the others. */
interface Values {
  readonly plan: TunedPlan
}

/** Of the sizes of inputs for which a plan differs, the largest one's. */
function leanest({ regimes }: TunedPlan): Plan {
  return regimes.at(-1)?.plan as Plan
}

async function tunedPlan(
  context: SectionContext,
  one: TuningCase,
  device: Device,
  isCascade: boolean,
): Promise<TunedPlan> {
  const { name, subject, calibration, maxLoss, variants } = one
  const { model, inputs } = await openSubject(context, subjects[subject], 'calibration', calibration)
  // Measurements on the examples are the same for all devices.
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

/** Points that turned answers cost by the dense model's own probabilities, mean over examples. */
export function expectedLoss(dense: Logits, predictions: readonly number[]): number {
  return mean(expectedLosses({ logits: Float32Array.from(dense.flat()), classes: dense[0]?.length ?? 0 }, predictions))
}

/** Test examples that are timed one by one, once each: it matters which answers are run on the dense model. */
const TIMED = 500

/** Every plan, and the cascade of the tuned one, where it is one. */
async function timed(
  test: Test,
  device: Device,
  plans: Readonly<Record<string, Plan>>,
  guard: TunedPlan['cascade'],
): Promise<Record<string, Speedup>> {
  const { context, subject } = test
  const load = (plan = NONE): Promise<Session> => runtimeOf(device, context).load(test.fileOf(plan), { threads: 1 })
  const sessions: Record<string, Session> = {}
  try {
    for (const [name, plan] of Object.entries(plans)) {
      const session = await load(plan)
      sessions[name] = guard && name === TUNED ? cascade({ ...guard, pruned: session, dense: await load() }) : session
    }
    return await timeOnEach(
      sessions,
      (row) => subject.inputs.feeds([row]),
      subject.lengths.map((_, i) => i).slice(0, TIMED),
      (part, parts) => context.onProgress(`${Object.keys(plans).length} models in time, part ${part} of ${parts}`),
    )
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

interface Line {
  readonly name: string
  readonly plan: Plan
  readonly logits: Logits
  readonly expected: number
  readonly speedup: Speedup
}

function lineColumns(dense: Logits, targets: readonly number[]): TableColumns<Line> {
  const right = (logits: Logits): number[] => rightOf(logits, targets)
  return {
    model: ({ name }) => name.replace(/ \d+$/, ''),
    accuracy: ({ logits }) => points(accuracyInterval(right(logits))),
    loss: ({ logits }) => (logits === dense ? '' : points(accuracyLoss(right(dense), right(logits)))),
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
  ],
}
