import { TpError } from '@tp/core'
import type { VariantLatency } from '@tp/eval/metrics'
import { encodeModel } from '@tp/onnx'
import { train } from '@tp/train'
import { learnedPath, writeWhole } from '../files.ts'
import { lineColumns, shapeColumns, show, timeColumns } from '../measure/columns.ts'
import {
  type Candidate,
  candidate,
  chance,
  figureOf,
  kept,
  lossOf,
  measure,
  measureTimed,
  named,
  type Row,
} from '../measure/measure.ts'
import { prunedModel } from '../measure/prepare.ts'
import { answersSection, speedSection } from '../measure/studies.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { type ShapeRow, timeCandidates, timerOf } from '../measure/times.ts'
import { methodOf, scheduleFor } from '../registry/methods.ts'
import {
  type Budget,
  budgetText,
  DENSE,
  laterLayers,
  type MethodChoice,
  NONE,
  type PrunedSetting,
  pruned,
  type Setting,
} from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import { factor, percent, points } from '../report/numbers.ts'
import type { Context, Findings, Report, Section } from '../report/section.ts'
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
  laterLayers(0.62),
  { keep: [0.9, 0.7, 0.65, 0.65, 0.6, 0.5], layers: all },
  { keep: [0.85, 0.75, 0.7, 0.65, 0.6, 0.5], layers: all },
  { keep: [0.85, 0.72, 0.68, 0.65, 0.6, 0.5], layers: all },
]

const LEAST_FLOPS = 2.2

/** Losses are too few to choose by; how far the probabilities move tells more. */
function nearestToDense(rows: readonly Row[]): Row {
  const distance = (row: Row): number => figureOf(row, 'divergence').estimate
  return rows.reduce((a, b) => (distance(b) < distance(a) ? b : a))
}

/** Chooses method and schedule on reviews that nothing is reported on. */
const choice: Section = {
  name: 'minilm-choice',
  async run(context) {
    const subject = await openSubject(context, subjects['minilm-imdb'], 'calibration', 1000)
    const tried = budgets.flatMap((budget) => methods.map((method) => candidate(pruned(method, budget))))
    const [, ...rows] = await measure(context, subject, [candidate(DENSE), ...tried])
    const chosen = nearestToDense(rows.filter(({ flops }) => flops >= LEAST_FLOPS)).settings[0]
    const isChosen = ({ settings: [setting] }: Row): string => (setting === chosen ? 'yes' : '')
    const columns = { ...show.method, ...show.budget, ...show.flops, ...show.divergence, ...show.loss }
    const caption = `The first ${subject.lengths.length} calibration reviews`
    return {
      tables: [tableOf(caption, { ...columns, chosen: isChosen }, rows)],
      values: { rows: rows.map(kept), chosen },
    }
  },
}

/** The chosen setting on a data set, next to others at its budget, one by one and in batches. */
function reported(name: SubjectName): Section {
  return {
    name,
    async run(context) {
      const { chosen } = (context.found('minilm-choice')?.values ?? {}) as { chosen?: Setting }
      if (chosen?.kind !== 'pruned') {
        const missing = 'no setting has been chosen yet; run the section minilm-choice first'
        throw new TpError('TP_OPTION', 'benchmark', missing)
      }
      const { budget } = chosen
      const others = [...methods, { method: 'cls-attention' }].map((method) => candidate(pruned(method, budget)))
      const cut = candidate({ kind: 'truncated', budget, like: 'received-attention' })
      const subject = await openSubject(context, subjects[name], 'test')
      return compared(context, subject, [...others, chance(budget), cut], chosen)
    },
  }
}

/** Candidates one by one, and one setting in batches of examples of like length, where weights are fetched once for all. */
async function compared(
  context: Context,
  subject: Subject,
  candidates: readonly Candidate[],
  batched: PrunedSetting,
): Promise<Findings> {
  const timing = { at: { examples: 32 }, rounds: 200, budgetMs: 90_000 }
  const rows = await measureTimed(context, subject, [candidate(DENSE), candidate(NONE), ...candidates], timing)
  context.onProgress('batches')
  const together = { dense: DENSE, none: NONE, [batched.method]: batched }
  const inBatches = { at: { batches: 12, of: 8 }, rounds: 100, budgetMs: 90_000 }
  const times = await timeCandidates(timerOf(context.runtime), subject, Object.values(together), inBatches)
  const batches = Object.keys(together).map((name, i) => ({ name, ...(times[i] as VariantLatency) }))
  const caption = `${subject.name}: ${subject.lengths.length} texts, one by one; ${budgetText(batched.budget)}`
  return {
    tables: [
      tableOf(caption, lineColumns, rows),
      tableOf(`${subject.name}: batches of 8, one thread`, timeColumns, batches),
    ],
    values: { rows: rows.map(kept), batches },
  }
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
    const minutes = (): number => (performance.now() - start) / 60_000
    const method = await sdtpOnce(context, NETWORKS, async () => material)
    const networks = minutes()
    const chosenOn = { ...calibration, inputs: selection, lengths: selection.lengths as readonly number[] }
    const tried = trainedBudgets.map((budget) => candidate(pruned(method, budget)))
    const [, ...rows] = await measure(context, chosenOn, [candidate(DENSE), ...tried])
    const setting = nearestToDense(rows).settings[0] as PrunedSetting
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
    for (const trace of [true, false]) {
      const model = prunedModel(dense, { method: own, schedule: amounts, trace }, 'encoder')
      await writeWhole(learnedPath(`${ENCODER}.${trace ? 'traced.' : ''}onnx`), encodeModel(model))
    }
    const parts = Object.entries({ networks, encoder: minutes() - networks })
    const candidates = [
      candidate(setting),
      ...['value-aware', 'received-attention'].map((other) => candidate(pruned(other, budget))),
      chance(budget),
      candidate({ kind: 'truncated', budget, like: 'received-attention' }),
      candidate({ kind: 'learned', file: ENCODER }, 'sdtp, encoder trained on'),
    ]
    const reports: Findings[] = []
    for (const name of ['minilm-imdb', 'minilm-sst2'] as const) {
      reports.push(await compared(context, await openSubject(context, subjects[name], 'test'), candidates, setting))
    }
    const columns = { ...show.budget, ...show.flops, ...show.divergence, ...show.loss }
    return {
      tables: [
        tableOf(`${selection.targets.length} calibration reviews that nothing was learned from`, columns, rows),
        tableOf(
          `Minutes of learning from ${training.targets.length} reviews, one thread`,
          { part: ([part]) => part, minutes: ([, value]) => value.toFixed(0) },
          parts,
        ),
        ...reports.flatMap(({ tables }) => tables),
      ],
      values: { minutes: parts, rows: rows.map(kept), budget, reports: reports.map(({ values }) => values) },
    }
  },
}

const speed = speedSection('minilm-speed', {
  settings: {
    dense: DENSE,
    none: NONE,
    'cls-attention 0.7': pruned('cls-attention', laterLayers(0.7)),
    'cls-attention 0.5': pruned('cls-attention', laterLayers(0.5)),
    'received-attention 0.7': pruned('received-attention', laterLayers(0.7)),
    'received-attention 0.5': pruned('received-attention', laterLayers(0.5)),
    'received-attention, 32 rows, 0.5': pruned(
      { method: 'received-attention', params: { queries: 32 } },
      laterLayers(0.5),
    ),
  },
  rounds: 200,
  budgetMs: 45_000,
  columns: () => ({
    ...shapeColumns,
    FLOPs: ({ flops }) => factor(flops),
    'speed-up / FLOPs': ({ speedup, flops }) => (speedup.value / flops).toFixed(2),
  }),
})

/** Pruning and quantisation: each alone, and both together. */
const precisions: Readonly<Record<string, Setting>> = Object.fromEntries(
  ['fp32', 'int8'].flatMap((precision) => {
    const forms: Record<string, Setting> = {
      dense: DENSE,
      none: NONE,
      'keep 0.7': pruned('received-attention', laterLayers(0.7)),
      'keep 0.5': pruned('received-attention', laterLayers(0.5)),
    }
    const int8 = precision === 'int8' && { int8: true as const }
    return Object.entries(forms).map(([name, setting]) => [`${precision} ${name}`, { ...setting, ...int8 }])
  }),
)

/** The dense model of the same precision, among all rows of a table. */
function ownDense<R extends { readonly name: string }>(rows: readonly R[], { name }: R): R {
  return rows.find((one) => one.name === `${name.slice(0, 4)} dense`) as R
}

const int8Speed = speedSection('int8-speed', {
  settings: precisions,
  tokens: 128,
  rounds: 200,
  budgetMs: 45_000,
  columns: (rows) => {
    const dense = (row: ShapeRow): ShapeRow =>
      ownDense(
        rows.filter(({ batch, tokens }) => batch === row.batch && tokens === row.tokens),
        row,
      )
    return {
      ...shapeColumns,
      FLOPs: (row) => factor(row.flops / dense(row).flops),
      'over its own dense': (row) => factor(dense(row).p50Ms / row.p50Ms),
    }
  },
})

const int8Accuracy = answersSection('int8-accuracy', {
  subjects: ['minilm-imdb', 'minilm-sst2'],
  candidates: named(precisions),
  columns: (rows) => {
    return {
      ...show.method,
      ...show.accuracy,
      'loss to fp32 dense': ({ loss }) => points(loss),
      'loss to its own dense': (row) => points(lossOf(ownDense(rows, row).figures, row.figures)),
    }
  },
})

const near = (keep: number, method: string, restore?: 'all'): Candidate =>
  candidate(
    { ...pruned(method, laterLayers(keep)), ...(restore && { restore }) },
    `${method}${restore ? ', restored' : ''}`,
  )

/** What pruning does to sentence embeddings, and to searching an index that was built with the dense model. */
const embeddings = answersSection('embeddings', {
  subjects: ['minilm-vectors'],
  examples: 1000,
  candidates: [
    candidate(NONE),
    ...[0.9, 0.7].flatMap((keep) => [
      near(keep, 'received-attention'),
      near(keep, 'received-attention', 'all'),
      near(keep, 'received-attention-merged'),
      near(keep, 'tome'),
      near(keep, 'random'),
    ]),
  ],
  columns: () => ({
    ...show.method,
    ...show.keep,
    'cosine to dense': (row) => figureOf(row, 'cosine', 1).estimate.toFixed(3),
    'rank correlation of similarities': (row) => figureOf(row, 'rankCorrelation', 1).estimate.toFixed(3),
    'nearest 10 kept, index pruned too': (row) => percent(figureOf(row, 'neighbours', 1).estimate),
    'index dense': (row) => percent(figureOf(row, 'neighboursInDense', 1).estimate),
  }),
})

export const foundations: Report = {
  name: 'foundations',
  sections: [
    choice,
    reported('minilm-imdb'),
    reported('minilm-sst2'),
    trained,
    speed,
    int8Speed,
    int8Accuracy,
    embeddings,
  ],
}
