import { TpError } from '@tp/core'
import { encodeModel } from '@tp/onnx'
import { train } from '@tp/train'
import { learnedPath, writeWhole } from '../files.ts'
import { lineColumns, show, showTimes } from '../measure/columns.ts'
import {
  type Candidate,
  candidate,
  chance,
  measure,
  measureTimed,
  type Row,
  type TimedRow,
  timeCandidates,
} from '../measure/measure.ts'
import { prunedModel } from '../measure/prepare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { methodOf, scheduleFor } from '../registry/methods.ts'
import { type Budget, budgetText, DENSE, type MethodChoice, NONE, pruned, type Setting } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { tableOf } from '../report/table.ts'
import { materialOf, teacherOf } from '../training/material.ts'
import { fromDense, sdtpOnce } from '../training/networks.ts'
import { fineTuned } from '../training/runs.ts'

/** What the setting is chosen from: what did best when single budgets were tried, on calibration data too. */
const methods: readonly MethodChoice[] = [
  { method: 'received-attention' },
  { method: 'value-aware' },
  { method: 'balanced', params: { values: true } },
]

const all = [0, 1, 2, 3, 4, 5]

/** The same ratio in each layer but the first, or ratios that fall. */
const budgets: readonly Budget[] = [
  { keep: 0.62, layers: [1, 2, 3, 4, 5] },
  { keep: [0.9, 0.7, 0.65, 0.65, 0.6, 0.5], layers: all },
  { keep: [0.85, 0.75, 0.7, 0.65, 0.6, 0.5], layers: all },
  { keep: [0.85, 0.72, 0.68, 0.65, 0.6, 0.5], layers: all },
]

const LEAST_FLOPS = 2.2

/** Losses are too few to choose by; how far the probabilities move tells more. */
function nearestToDense(rows: readonly Row[]): Row {
  return rows.reduce((a, b) => (b.divergence < a.divergence ? b : a))
}

function withoutAnswers<R extends Row>({ correct: _, ...row }: R): Omit<R, 'correct'> {
  return row
}

/** Chooses method and schedule on reviews that nothing is reported on. */
const choice: Section = {
  name: 'minilm-choice',
  async run(context) {
    const subject = await openSubject(context, subjects['minilm-imdb'], 'calibration', 1000)
    const tried = budgets.flatMap((budget) => methods.map((method) => candidate(pruned(method, budget))))
    const [dense, ...rows] = (await measure(context, subject, [candidate(DENSE), ...tried])) as [Row, ...Row[]]
    const chosen = nearestToDense(rows.filter(({ flops }) => flops >= LEAST_FLOPS)).settings[0]
    const columns = { ...show.method, ...show.budget, ...show.flops, ...show.divergence, ...show.loss }
    const isChosen = ({ settings: [setting] }: Row): string => (setting === chosen ? 'yes' : '')
    return {
      tables: [
        tableOf(`The first ${dense.correct.length} calibration reviews`, { ...columns, chosen: isChosen }, rows),
      ],
      values: { dense: dense.accuracy, rows: rows.map(withoutAnswers), chosen },
    }
  },
}

/** The chosen setting on a data set, next to others at its budget, one by one and in batches. */
function reported(name: string, subject: SubjectName): Section {
  return {
    name,
    async run(context) {
      const { chosen } = (context.found('minilm-choice')?.values ?? {}) as { chosen?: Setting }
      if (chosen?.kind !== 'pruned') {
        throw new TpError(
          'TP_OPTION',
          'benchmark',
          'no setting has been chosen yet; run the section minilm-choice first',
        )
      }
      const { budget } = chosen
      const others = [...methods, { method: 'cls-attention' }].map((method) => candidate(pruned(method, budget)))
      const [first] = methods as [MethodChoice]
      const cut = candidate({ kind: 'truncated', budget, like: first.method })
      return compared(
        context,
        await openSubject(context, subjects[subject], 'test'),
        [...others, chance(budget), cut],
        candidate(chosen),
      )
    },
  }
}

/** Candidates one by one, and one of them in batches of examples of like length, where weights are fetched once for all. */
async function compared(context: Context, subject: Subject, candidates: readonly Candidate[], batched: Candidate) {
  const base = [candidate(DENSE), candidate(NONE)]
  const timing = { at: { examples: 32 }, rounds: 200, budgetMs: 90_000 }
  const rows = await measureTimed(context, subject, [...base, ...candidates], timing)
  context.onProgress('batches')
  const inBatches = { at: { batches: 12, of: 8 }, rounds: 100, budgetMs: 90_000 }
  const together = [...base, batched]
  const times = await timeCandidates(context.runtime, subject, together, inBatches)
  const batches = together.map(({ name }, i) => ({ name, ...(times[i] as (typeof times)[number]) }))
  const [setting] = batched.settings
  const budget = setting.kind === 'pruned' ? budgetText(setting.budget) : ''
  return {
    tables: [
      tableOf(`${subject.name}: ${subject.lengths.length} texts, one by one; ${budget}`, lineColumns, rows),
      tableOf(
        `${subject.name}: batches of 8, one thread`,
        { model: ({ name }) => name, ...showTimes.ms, ...showTimes.speedup, ...showTimes.interval },
        batches,
      ),
    ],
    values: { rows: rows.map(withoutAnswers) as Omit<TimedRow, 'correct'>[], batches },
  } satisfies Findings
}

/** All of them lean enough for twice the speed: at one layer, two, three, or every one. */
const trainedBudgets: readonly Budget[] = [
  { keep: 0.48, layers: [0] },
  { keep: [0.6, 0.6], layers: [0, 2] },
  { keep: [0.68, 0.7, 0.65], layers: [0, 1, 3] },
  { keep: [0.7, 0.75, 0.75, 0.75, 0.75], layers: [0, 1, 2, 3, 4] },
  { keep: [0.6, 0.8, 0.8, 0.8, 0.8], layers: [0, 1, 2, 3, 4] },
]

/** Files of `reports/learned`. */
const [NETWORKS, ENCODER] = ['imdb-sdtp-nine-tenths', 'imdb-sdtp-encoder']

/** Networks that predict saliency, learned on calibration reviews without their labels; then the encoder with tokens pruned. */
const trained: Section = {
  name: 'minilm-trained',
  async run(context) {
    const { runtime, onProgress } = context
    const calibration = await openSubject(context, subjects['minilm-imdb'], 'calibration')
    const material = materialOf(calibration, calibration.inputs)
    const { training, selection } = material
    const start = performance.now()
    const method = await sdtpOnce(context, NETWORKS, async () => material)
    const networkMinutes = (performance.now() - start) / 60_000
    const chosenOn = { ...calibration, inputs: selection, lengths: selection.lengths as readonly number[] }
    const tried = trainedBudgets.map((budget) => candidate(pruned(method, budget)))
    const [, ...rows] = await measure(context, chosenOn, [candidate(DENSE), ...tried])
    const setting = nearestToDense(rows).settings[0] as ReturnType<typeof pruned>
    const { budget } = setting
    const [own, amounts] = [methodOf(method), scheduleFor(calibration.layers, budget)]
    const teacher = await teacherOf(context, material)
    const dense = await fineTuned(calibration.model, own, amounts, (model, trains) =>
      train({
        runtime,
        inputs: training,
        ...fromDense,
        teacher,
        model,
        trains,
        epochs: 2,
        learningRate: 2e-5,
        onProgress({ step, steps, loss }) {
          if (step % 100 === 0) onProgress(`encoder: step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
        },
      }),
    )
    const file = encodeModel(prunedModel(dense, { method: own, schedule: amounts }, 'encoder'))
    await writeWhole(learnedPath(`${ENCODER}.onnx`), file)
    const encoderMinutes = (performance.now() - start) / 60_000 - networkMinutes
    const candidates = [
      candidate(setting),
      ...['value-aware', 'received-attention'].map((other) => candidate(pruned(other, budget))),
      chance(budget),
      candidate({ kind: 'truncated', budget, like: 'received-attention' }),
      candidate({ kind: 'learned', file: ENCODER }, 'sdtp, encoder trained on'),
    ]
    const reports: Awaited<ReturnType<typeof compared>>[] = []
    for (const name of ['minilm-imdb', 'minilm-sst2'] as const) {
      const subject = await openSubject(context, subjects[name], 'test')
      reports.push(await compared(context, subject, candidates, candidate(setting)))
    }
    const columns = { ...show.budget, ...show.flops, ...show.divergence, ...show.loss }
    const minutes = { networks: networkMinutes, encoder: encoderMinutes }
    return {
      tables: [
        tableOf(`${selection.targets.length} calibration reviews that nothing was learned from`, columns, rows),
        tableOf(
          `Minutes of learning from ${training.targets.length} reviews, one thread`,
          { part: ([part]) => part, minutes: ([, value]) => value.toFixed(0) },
          Object.entries(minutes),
        ),
        ...reports.flatMap(({ tables }) => tables),
      ],
      values: { minutes, rows: rows.map(withoutAnswers), budget, reports: reports.map(({ values }) => values) },
    }
  },
}

export const minilmSections: readonly Section[] = [
  choice,
  reported('minilm-imdb', 'minilm-imdb'),
  reported('minilm-sst2', 'minilm-sst2'),
  trained,
]
