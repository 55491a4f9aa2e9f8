import { readModelFolder } from '@tp/eval'
import type { TextDataset } from '@tp/eval/inputs'
import { accuracyInterval, accuracyLoss, type Interval, medianInterval, type Speedup } from '@tp/eval/metrics'
import { digitsData, embeddedModel } from '@tp/models'
import { addBert, addDigits, addMail, openModelFolder, type PipelineFolder } from 'pipeline-models'
import { mean, median } from 'simple-statistics'
import { dataOf, subjects } from '../registry/subjects.ts'
import { factor, interval, points } from '../report/numbers.ts'
import type { Context, Report, Section } from '../report/section.ts'
import { type Columns, tableOf } from '../report/table.ts'
import { plans } from '../transformers/plans.ts'
import {
  type Answer,
  type Question,
  type ScriptOptions,
  startScript,
  takeTurns,
} from '../transformers/script-process.ts'

const COUNT = 200
const ROUNDS = 5

interface Task {
  readonly model: keyof typeof plans
  readonly task: ScriptOptions['task']
  readonly examples: (context: Context) => Promise<readonly Asked[]>
  readonly add: (folder: PipelineFolder, context: Context) => Promise<void>
}

interface Asked {
  readonly question: Question
  readonly label: string
}

const tasks: Readonly<Record<string, Task>> = {
  mails: {
    model: 'mail',
    task: 'text-classification',
    add: (folder) => addMail(folder),
    examples: (context) => texts(context, 'mail', embeddedModel('mail').labels),
  },
  digits: {
    model: 'digits-vit',
    task: 'image-classification',
    add: (folder) => addDigits(folder),
    examples: async () =>
      spread(digitsData('test')).map(({ pixels, label }) => ({
        question: Uint8Array.from(pixels, (brightness) => Math.round(255 * brightness)),
        label: `${label}`,
      })),
  },
  imdb: {
    model: 'minilm-sentiment',
    task: 'text-classification',
    examples: async (context) =>
      texts(context, 'minilm-imdb', (await readModelFolder(subjects['minilm-imdb'].files(context).model)).labels ?? []),
    async add(folder, { shared }) {
      const file = (name: string): string => shared('models', 'minilm-sentiment', name)
      await addBert(folder, 'minilm-sentiment', {
        config: file('config.json'),
        tokenizer: file('tokenizer.json'),
        model: file('model.onnx'),
        int8: file('model.int8.onnx'),
      })
    },
  },
}

async function texts(context: Context, subject: 'mail' | 'minilm-imdb', labels: readonly string[]): Promise<Asked[]> {
  const { examples } = (await dataOf(subjects[subject], context, 'test')) as TextDataset
  return Promise.all(
    spread(examples).map(async (example) => ({
      question: await example.read(),
      label: labels[example.label] as string,
    })),
  )
}

/** Evenly spaced items. */
function spread<T>(items: readonly T[]): T[] {
  return Array.from({ length: COUNT }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / COUNT)] as T)
}

interface Row {
  readonly script: string
  readonly accuracy: Interval
  readonly totalMs: number
  readonly loadMs: number
  readonly loss?: Interval
  readonly speedup?: Speedup
  /** Examples with the same label, and how much its score differs. */
  readonly same?: number
  readonly differences: readonly [mean: number, most: number]
}

const columns: Columns<Row> = {
  script: ({ script }) => script,
  accuracy: ({ accuracy }) => points(accuracy),
  'total s': ({ totalMs }) => (totalMs / 1000).toFixed(2),
  'pipeline() ms': ({ loadMs }) => loadMs.toFixed(0),
  loss: ({ loss }) => (loss ? points(loss) : ''),
  'same label': ({ same }) => (same === undefined ? '' : `${same} of ${COUNT}`),
  'score differs by (mean, most)': ({ differences }) => differences.map((value) => value.toFixed(3)).join(', '),
  'speed-up': ({ speedup }) => (speedup ? factor(speedup.value) : ''),
  'lowest … highest': ({ speedup }) => (speedup ? interval(speedup) : ''),
}

/** The script without and with the import, in turns. */
function section(name: string, { model, task, examples, add }: Task): Section {
  return {
    name,
    async run(context) {
      await using folder = await openModelFolder()
      await add(folder, context)
      const options = { task, model, folder: folder.path }
      await using dense = await startScript({ ...options, pruned: false })
      await using pruned = await startScript({ ...options, pruned: true })
      const asked = await examples(context)
      const questions = asked.map(({ question }) => question)
      const { answers, totals } = await takeTurns([dense, pruned], questions, ROUNDS, (round) =>
        context.onProgress(`round ${round + 1} of ${ROUNDS}`),
      )
      const [first, second] = answers as [Answer[], Answer[]]
      const right = (given: readonly Answer[]): number[] =>
        given.map(({ label }, i) => Number(label === asked[i]?.label))
      const about = (script: string, which: 0 | 1): Omit<Row, 'differences'> => ({
        script,
        accuracy: accuracyInterval(right(answers[which] as Answer[])),
        totalMs: median(totals[which] as number[]),
        loadMs: [dense, pruned][which]?.loadMs ?? Number.NaN,
      })
      const differences = first.flatMap(({ label, score }, i) => {
        const other = second[i] as Answer
        return other.label === label ? [Math.abs(other.score - score)] : []
      })
      const ratios = (totals[0] as number[]).map((total, round) => total / (totals[1]?.[round] as number))
      const rows: Row[] = [
        { ...about('as it is', 0), differences: [0, 0] },
        {
          ...about('with the import', 1),
          loss: accuracyLoss(right(first), right(second)),
          speedup: { value: median(ratios), ...medianInterval(ratios) },
          same: differences.length,
          differences: [mean(differences), Math.max(...differences)],
        },
      ]
      const caption = `${COUNT} test examples one by one; median of ${ROUNDS} rounds; plan \`${JSON.stringify(plans[model])}\``
      return { tables: [tableOf(caption, columns, rows)], values: { rows, totals } }
    },
  }
}

export const transformers: Report = {
  name: 'transformers',
  sections: Object.entries(tasks).map(([name, task]) => section(name, task)),
}
