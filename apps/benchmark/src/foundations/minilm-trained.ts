import { compareToDense, type Evaluation, type Interval, type Speedup } from '@tp/eval'
import { receivedAttention, valueAware } from '@tp/method-attention'
import { sdtp } from '@tp/method-gradient'
import { train } from '@tp/train'
import { splitOf } from '../learned/sst2.ts'
import { type Budget, compare, type Line, scheduleOf } from '../measure/compare.ts'
import { meanDivergence } from '../measure/divergence.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { dense, type LearnedBlocks, pruned, totalFlops } from '../measure/variant.ts'
import { budgetText, linesTable } from '../output/lines-table.ts'
import { factor, points } from '../output/numbers.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { batchTable, measureBatches } from './batch-speed.ts'
import { openMinilm } from './minilm.ts'

const LAYERS = [0, 1, 2, 3, 4]

/** Its networks are small, and there is little to learn them from: a high rate, and every review several times. */
const learning = { epochs: 4, batchSize: 8, methodRate: 2e-3, evaluations: 1 } as const

/** All at least as lean as `LEAST_FLOPS`: in one block, in two, or falling. */
const budgets: readonly Budget[] = [
  { keep: 0.45, layers: [0] },
  { keep: [0.55, 0.65], layers: [0, 2] },
  { keep: [0.6, 0.6], layers: [0, 2] },
  { keep: [0.7, 0.7, 0.7], layers: [0, 1, 3] },
  { keep: [0.7, 0.75, 0.75, 0.75, 0.75], layers: LAYERS },
  { keep: [0.6, 0.8, 0.8, 0.8, 0.8], layers: LAYERS },
]

const BATCHES = { size: 8, count: 12, budgetMs: 90_000 }

/** A budget at which the networks were tried on reviews that nothing is reported on. */
interface Candidate {
  readonly budget: Budget
  readonly flops: number
  readonly divergence: number
  readonly loss: Interval
}

export const minilmTrained: Section = {
  name: 'minilm-trained',
  title: 'minilm-sentiment with networks that foretell saliency (sdtp), learned on calibration reviews',
  async run(context) {
    const { runtime, onProgress } = context
    const calibration = await openMinilm(context, ['imdb', 'calibration.tsv'])
    const { training, selection } = splitOf(calibration.inputs)
    onProgress('saliency')
    const start = performance.now()
    const { learned } = await train({
      ...learning,
      model: calibration.model,
      runtime,
      inputs: training,
      soft: { method: sdtp(), layers: LAYERS },
      trains: () => false,
      onProgress: ({ step, steps, loss }) => {
        if (step % 100 === 0) onProgress(`step ${step} of ${steps}: loss ${loss.toFixed(3)}`)
      },
    })
    const minutes = (performance.now() - start) / 60_000
    const candidates = await tryBudgets(
      context,
      { ...calibration, inputs: selection, lengths: selection.lengths as number[] },
      learned,
    )
    const { budget } = candidates.reduce((a, b) => (b.divergence < a.divergence ? b : a))
    const reports = []
    for (const [title, data] of [
      ['IMDB', ['imdb', 'test.tsv']],
      ['SST-2', ['sst2', 'dev.tsv']],
    ] as const) {
      onProgress(title)
      reports.push(await reportOn(context, title, await openMinilm(context, data), budget, learned))
    }
    return {
      tables: [choiceTable(candidates, selection.targets.length), ...reports.flatMap(({ tables }) => tables)],
      notes: [
        `Learned on ${training.targets.length} calibration reviews, without their labels: ${learning.epochs} epochs, ${minutes.toFixed(0)} minutes on one thread, saliency ` +
          `among them; the encoder's weights stay as they are. Chosen: ${budgetText(budget)}, nearest to dense.`,
        ...reports.flatMap(({ notes }) => notes),
      ],
      values: { minutes, candidates, budget, lines: reports.map(({ values }) => values) },
    }
  },
}

async function tryBudgets(
  { runtime, onProgress }: Context,
  subject: Subject,
  learned: LearnedBlocks,
): Promise<Candidate[]> {
  onProgress('budgets')
  const variants = budgets.map((budget) => pruned(subject, sdtp(), scheduleOf(subject, budget), learned))
  const [reference, ...others] = (await inParallel(
    [dense(subject), ...variants].map(
      ({ file }) =>
        () =>
          evaluateFile(runtime, file, subject.inputs),
    ),
  )) as [Evaluation, ...Evaluation[]]
  const whole = totalFlops(subject.model, subject.lengths)
  return budgets.map((budget, i) => {
    const [own, variant] = [others[i] as Evaluation, variants[i] as (typeof variants)[number]]
    return {
      budget,
      flops: whole / totalFlops(variant.model, subject.lengths),
      divergence: meanDivergence(reference, own),
      loss: compareToDense(own, reference).loss,
    }
  })
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
  learned: LearnedBlocks,
): Promise<Findings> {
  const method = sdtp()
  const lines = await compare(runtime, {
    subject,
    methods: [method, valueAware(), receivedAttention()],
    learned: { [method.name]: learned },
    budgets: [budget],
    control: 'truncation',
    timed: { examples: 32, budgetMs: 90_000 },
    onProgress,
  })
  onProgress('batches')
  const batches = await measureBatches(runtime, subject, method, [budget], BATCHES, learned)
  const own = lines.find((line) => line.method === method.name) as Line
  const inBatches = batches.at(-1)?.speedup as Speedup
  const text = ({ value, low, high }: Speedup): string => `${factor(value)} (${factor(low)} … ${factor(high)})`
  return {
    tables: [
      { caption: `${title}: ${subject.lengths.length} texts, one by one; ${budgetText(budget)}`, ...linesTable(lines) },
      { ...batchTable(batches, BATCHES.size), caption: `${title}: batches of ${BATCHES.size}, one thread` },
    ],
    notes: [
      `${title}: loss ${points(own.loss)}, ${text(own.speedup)} as fast as dense one by one, ${text(inBatches)} in batches ` +
        `of ${BATCHES.size} of like length, FLOPs ${factor(own.flops)}.`,
    ],
    values: { data: title, lines: lines.map(({ correct: _, ...line }) => line), batches },
  }
}
