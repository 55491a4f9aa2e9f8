import { evaluate, points, type VariantLatency } from '@tp/compare'
import { readModelFolder } from '@tp/data'
import type { Dataset, ModelInputs } from '@tp/data/inputs'
import { accuracyLoss, type Interval } from '@tp/metrics'
import { embeddedModel } from '@tp/models'
import { addBert, addDigits, addMail, openModelFolder, type PipelineFolder } from 'pipeline-models'
import { mean } from 'simple-statistics'
import { limits } from '../files.ts'
import { showTimes } from '../measure/columns.ts'
import { timeSessions } from '../measure/times.ts'
import { evenly } from '../registry/data.ts'
import { classes, type MetricFigures } from '../registry/metrics.ts'
import { dataOf, type SubjectName, subjects } from '../registry/subjects.ts'
import { percent } from '../report/numbers.ts'
import type { Report, ReportSection, SectionContext } from '../report/section.ts'
import { type TableColumns, tableOf } from '../report/table.ts'
import { plans } from '../transformers/plans.ts'
import { openScript, type Question, type ScriptOptions } from '../transformers/script-session.ts'

const COUNT = 200
const ROUNDS = 5

interface Task {
  readonly subject: SubjectName
  readonly model: keyof typeof plans
  readonly task: ScriptOptions['task']
  readonly labels: (context: SectionContext) => Promise<readonly string[]>
  readonly add: (folder: PipelineFolder, context: SectionContext) => Promise<void>
}

const tasks: Readonly<Record<string, Task>> = {
  mails: {
    subject: 'mail',
    model: 'mail',
    task: 'text-classification',
    labels: async () => embeddedModel('mail').labels,
    add: (folder) => addMail(folder),
  },
  digits: {
    subject: 'digits-vit',
    model: 'digits-vit',
    task: 'image-classification',
    labels: async () => embeddedModel('digits-vit').labels,
    add: (folder) => addDigits(folder),
  },
  imdb: {
    subject: 'minilm-imdb',
    model: 'minilm-sentiment',
    task: 'text-classification',
    labels: async (context) => (await readModelFolder(subjects['minilm-imdb'].files(context).model)).labels ?? [],
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

/** The input of the script: a text, or an image in 256 grays. */
async function questionsOf({ examples }: Dataset): Promise<Question[]> {
  return Promise.all(
    examples.map(async (example) => {
      const request = await example.read()
      if (typeof request === 'string') return request
      return Uint8Array.from('pixels' in request ? request.pixels : [], (gray) => Math.round(255 * gray))
    }),
  )
}

interface Row extends Pick<VariantLatency, 'p50Ms' | 'speedup'> {
  readonly script: string
  readonly loadMs: number
  readonly figures: MetricFigures
  readonly loss: Interval
}

const columns: TableColumns<Row> = {
  script: ({ script }) => script,
  accuracy: ({ figures }) => percent(mean([...(figures.accuracy?.got ?? [])])),
  loss: ({ loss }) => points(loss),
  'same label': ({ figures }) => percent(mean([...(figures.agreement?.got ?? [])])),
  'pipeline() ms': ({ loadMs }) => loadMs.toFixed(0),
  ...showTimes.ms,
  ...showTimes.speedup,
  ...showTimes.interval,
}

/** The script without and with the import, in turns. */
function section(name: string, { subject, model, task, labels, add }: Task): ReportSection {
  return {
    name,
    async run(context) {
      await using folder = await openModelFolder()
      await add(folder, context)
      const data = evenly(await dataOf(subjects[subject], context, 'test'), Math.min(COUNT, limits.examples))
      const questions = await questionsOf(data)
      const inputs: ModelInputs = {
        source: name,
        targets: data.examples.map(({ label }) => label),
        lengths: undefined,
        preparationMs: undefined,
        notes: [],
        feeds: async (rows) => ({ positions: { type: 'int32', dims: [rows.length], data: Int32Array.from(rows) } }),
      }
      const options = { task, model, folder: folder.path, questions, labels: await labels(context) }
      const dense = await openScript({ ...options, pruned: false })
      await using first = dense.session
      const pruned = await openScript({ ...options, pruned: true })
      await using second = pruned.session
      const ways = { 'as it is': dense, 'with the import': pruned }
      context.onProgress(`${questions.length} examples, ${ROUNDS} rounds`)
      const answers = [await evaluate(first, inputs), await evaluate(second, inputs)] as const
      const feeds = await Promise.all(questions.map((_, i) => inputs.feeds([i])))
      const opened = Object.entries(ways).map(([script, { session }]) => [script, async () => session] as const)
      const times = await timeSessions(
        opened.map(([, open]) => open),
        feeds,
        { rounds: ROUNDS },
      )
      const rows = Object.entries(ways).map(([script, { loadMs }], i): Row => {
        const own = answers[i] as (typeof answers)[0]
        const loss = accuracyLoss(answers[0].correct.map(Number), own.correct.map(Number))
        const { p50Ms, speedup } = times[i] as VariantLatency
        return { script, loadMs, p50Ms, speedup, loss, figures: classes.figures(own, answers[0]) }
      })
      const caption = `${questions.length} test examples one by one; ${ROUNDS} rounds; plan \`${JSON.stringify(plans[model])}\``
      return { tables: [tableOf(caption, columns, rows)], values: rows }
    },
  }
}

export const transformers: Report = {
  name: 'transformers',
  sections: Object.entries(tasks).map(([name, task]) => section(name, task)),
}
