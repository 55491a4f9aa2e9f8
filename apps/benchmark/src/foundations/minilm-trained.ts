import type { Method } from '@tp/core'
import type { Speedup } from '@tp/eval/metrics'
import { receivedAttention, valueAware } from '@tp/method-attention'
import { allButTables, train, type Weights, weightsOf, withWeights } from '@tp/train'
import { foretellingEpochs, fromDense, learnForetelling, prediction } from '../learned/predicting.ts'
import { teacherOf } from '../learned/runs.ts'
import { splitOf } from '../learned/sst2.ts'
import { type Budget, compare, type Line, scheduleOf } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { pruned } from '../measure/variant.ts'
import { budgetText, linesTable } from '../output/lines-table.ts'
import { factor, points } from '../output/numbers.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { batchTable, measureBatches } from './batch-speed.ts'
import { type Candidate, measureCandidates, nearestToDense } from './candidates.ts'
import { openMinilm } from './minilm.ts'

const LAYERS = [0, 1, 2, 3, 4]

/** The encoder, with its tokens leaving. */
const learningOn = { ...fromDense, epochs: 2, learningRate: 2e-5 } as const

/** All of them lean enough for twice the speed: once, twice, thrice, or in every layer. */
const budgets: readonly Budget[] = [
  { keep: 0.48, layers: [0] },
  { keep: [0.6, 0.6], layers: [0, 2] },
  { keep: [0.68, 0.7, 0.65], layers: [0, 1, 3] },
  { keep: [0.7, 0.75, 0.75, 0.75, 0.75], layers: LAYERS },
  { keep: [0.6, 0.8, 0.8, 0.8, 0.8], layers: LAYERS },
]

const BATCHES = { size: 8, count: 12, budgetMs: 90_000 }

export const minilmTrained: Section = {
  name: 'minilm-trained',
  title: 'minilm-sentiment with networks that predict saliency, learned on calibration reviews',
  async run(context) {
    const { runtime, onProgress } = context
    const calibration = await openMinilm(context, ['imdb', 'calibration.tsv'])
    const { training, selection } = splitOf(calibration.inputs)
    const material = { ...calibration, training }
    const teacher = await teacherOf(context, material)
    const start = performance.now()
    const learned = await learnForetelling(context, material, LAYERS)
    const networkMinutes = (performance.now() - start) / 60_000
    const method = prediction(learned)
    const chosenOn = { ...calibration, inputs: selection, lengths: selection.lengths as readonly number[] }
    const settings = budgets.map((budget) => ({ method, budget }))
    const { candidates } = await measureCandidates(context, chosenOn, settings)
    const { budget } = nearestToDense(candidates)
    const own = weightsOf(calibration.model, allButTables(calibration.model))
    const { weights } = await train({
      runtime,
      inputs: training,
      ...learningOn,
      teacher,
      model: pruned(calibration, method, scheduleOf(calibration, budget)).model,
      trains: (name) => own.has(name),
      onProgress({ step, steps, loss }) {
        if (step % 100 === 0) onProgress(`encoder: step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
      },
    })
    const minutes = (performance.now() - start) / 60_000
    const reports = []
    for (const [title, data] of [
      ['IMDB', ['imdb', 'test.tsv']],
      ['SST-2', ['sst2', 'dev.tsv']],
    ] as const) {
      onProgress(title)
      reports.push(await reportOn(context, title, await openMinilm(context, data), budget, method, weights))
    }
    return {
      tables: [choiceTable(candidates, selection.targets.length), ...reports.flatMap(({ tables }) => tables)],
      notes: [
        `Learned on ${training.targets.length} calibration reviews without their labels, on one thread: the networks in ` +
          `${networkMinutes.toFixed(0)} minutes, ${foretellingEpochs} epochs and the saliency; the encoder, in the last row, ` +
          `in ${(minutes - networkMinutes).toFixed(0)} more, ${learningOn.epochs} epochs of distillation alone at a rate of ` +
          `${learningOn.learningRate}. Chosen: ${budgetText(budget)}, nearest to dense.`,
        ...reports.flatMap(({ notes }) => notes),
      ],
      values: { networkMinutes, minutes, candidates, budget, reports: reports.map(({ values }) => values) },
    }
  },
}

function choiceTable(candidates: readonly Candidate[], reviews: number): Findings['tables'][number] {
  return {
    caption: `${reviews} calibration reviews that nothing was learned from`,
    headings: ['budget', 'FLOPs', 'divergence', 'loss'],
    rows: candidates.map(({ budget, flops, divergence, loss }) => [
      budgetText(budget),
      factor(flops),
      divergence.toFixed(4),
      points(loss),
    ]),
  }
}

async function reportOn(
  { runtime, onProgress }: Context,
  title: string,
  subject: Subject,
  budget: Budget,
  method: Method,
  weights: Weights,
): Promise<Findings> {
  const trained = { ...subject, model: withWeights(subject.model, weights) }
  const name = `${method.name}, encoder trained on`
  const lines = await compare(runtime, {
    subject,
    methods: [method, valueAware(), receivedAttention()],
    budgets: [budget],
    others: { [name]: pruned(trained, method, scheduleOf(subject, budget)) },
    control: 'truncation',
    timed: { examples: 32, budgetMs: 90_000 },
    onProgress,
  })
  onProgress('batches')
  const batches = await measureBatches(runtime, subject, method, [budget], BATCHES)
  const inBatches = batches.at(-1)?.speedup as Speedup
  const text = ({ value, low, high }: Speedup): string => `${factor(value)} (${factor(low)} … ${factor(high)})`
  const lost = ({ loss, speedup }: Line): string => `loss ${points(loss)} at ${text(speedup)} the speed of dense`
  const [alone, on] = [method.name, name].map((own) => lines.find((line) => line.method === own)) as [Line, Line]
  return {
    tables: [
      { caption: `${title}: ${subject.lengths.length} texts, one by one; ${budgetText(budget)}`, ...linesTable(lines) },
      { ...batchTable(batches, BATCHES.size), caption: `${title}: batches of ${BATCHES.size}, one thread` },
    ],
    notes: [
      `${title}: the networks alone ${lost(alone)} one by one, the encoder trained on ${lost(on)}; FLOPs ${factor(alone.flops)}; in ` +
        `batches of ${BATCHES.size} of like length ${text(inBatches)}.`,
    ],
    values: { data: title, lines: lines.map(({ correct: _, ...line }) => line), batches },
  }
}
