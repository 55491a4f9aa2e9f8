import { type Dataset, openDataset, type PrepareOptions } from '@tp/eval'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { type Budget, behind, compare, type Line } from '../measure/compare.ts'
import { openSubject } from '../measure/subject.ts'
import { budgetText, linesTable } from '../output/lines-table.ts'
import { points } from '../output/numbers.ts'
import { batchTable, measureBatches } from './batch-speed.ts'
import { lineValues } from './line-values.ts'
import type { Context, Section } from './section.ts'

const methods = [clsAttention(), receivedAttention()]

const sixBlocks: readonly Budget[] = [0.8, 0.7].map((keep) => ({ keep, layers: [1, 2, 3, 4, 5] }))

/** Over twelve blocks the same shares leave next to nothing, so they are also taken three times only, as EViT does. */
const twelveBlocks: readonly Budget[] = [
  { keep: 0.8, layers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] },
  { keep: 0.8, layers: [3, 6, 9] },
  { keep: 0.7, layers: [3, 6, 9] },
]

interface Case {
  readonly name: string
  readonly title: string
  readonly model: (context: Context) => string
  readonly data: (context: Context) => Promise<Dataset>
  readonly prepare: PrepareOptions
  readonly budgets: readonly Budget[]
}

const KEYWORDS = ['_silence_', '_unknown_', 'yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go']

const cases: readonly Case[] = [
  {
    name: 'kwt1',
    title: 'kwt1: spoken words',
    model: ({ shared }) => shared('models', 'kwt1', 'model.onnx'),
    data: ({ shared }) => openDataset(shared('data', 'keywords'), { labels: KEYWORDS }),
    prepare: { sampleRate: 16_000 },
    budgets: twelveBlocks,
  },
  {
    name: 'vit-mnist',
    title: 'vit-mnist: handwritten digits, 50 tokens',
    model: ({ shared }) => shared('models', 'vit-mnist', 'model.onnx'),
    data: ({ shared }) => openDataset(shared('data', 'mnist')),
    prepare: { normalisation: { mean: [0.1307], std: [0.3081] } },
    budgets: sixBlocks,
  },
  {
    name: 'digits-vit',
    title: 'digits-vit: handwritten digits, 197 tokens, on data/mnist',
    model: () => modelPath('digits-vit'),
    data: ({ shared }) => openDataset(shared('data', 'mnist')),
    prepare: { normalisation: { mean: [0.1307], std: [0.3081] } },
    budgets: sixBlocks,
  },
  {
    name: 'fashion-vit',
    title: 'fashion-vit: pictures of clothing, 197 tokens',
    model: ({ shared }) => shared('models', 'fashion-vit', 'model.onnx'),
    data: async ({ shared }) => lastHalf(await openDataset(shared('data', 'fashion'))),
    prepare: { normalisation: { mean: [0.286], std: [0.353] } },
    budgets: sixBlocks,
  },
]

/** The last 5,000 of the clothing pictures are for tests, the first for calibration. */
function lastHalf(dataset: Dataset): Dataset {
  const { examples } = dataset
  return { ...dataset, examples: examples.slice(examples.length / 2) } as Dataset
}

export const smallEncoders: readonly Section[] = cases.map(({ name, title, model, data, prepare, budgets }) => ({
  name,
  title,
  async run(context) {
    const { runtime, onProgress } = context
    const dataset = await data(context)
    const subject = await openSubject(runtime, { name, path: model(context), dataset, prepare })
    const timed = { examples: 6, budgetMs: 15_000 }
    const lines = await compare(runtime, { subject, methods, budgets, control: 'stride', timed, onProgress })
    onProgress('batches')
    const batches = await measureBatches(runtime, subject, clsAttention(), budgets)
    const caption = `${dataset.examples.length} examples; ${budgets.map(budgetText).join('; then ')}`
    return {
      tables: [{ caption, ...linesTable(lines) }, batchTable(batches)],
      notes: budgets.flatMap((_, i) => besideRandom(linesOf(lines, i), budgets[i] as Budget)),
      values: { lines: lines.map(lineValues), batches },
    }
  },
}))

/** The lines of one budget: behind the two of the whole model they come budget by budget. */
function linesOf(lines: readonly Line[], budget: number): readonly Line[] {
  const count = methods.length + 2
  return lines.slice(2 + budget * count, 2 + (budget + 1) * count)
}

function besideRandom(lines: readonly Line[], budget: Budget): string[] {
  const random = lines.find(({ method }) => method === 'random') as Line
  const scored = lines.filter(({ method }) => methods.some(({ name }) => name === method))
  return scored.map((line) => {
    const { estimate, low, high } = behind(line.correct, random.correct)
    const words =
      low > 0
        ? `${points({ estimate, low, high })} points better than random`
        : high < 0
          ? `${points({ estimate: -estimate, low: -high, high: -low })} points worse than random`
          : `cannot be told from random (${points({ estimate, low, high })} points better)`
    return `${line.method}, ${budgetText(budget)}: ${words}.`
  })
}
