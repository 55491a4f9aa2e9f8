import type { Evaluation } from '@tp/eval'
import { accuracyInterval } from '@tp/eval/metrics'
import { openMinilm } from '../foundations/minilm.ts'
import { behind } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { plusMinus, points } from '../output/numbers.ts'
import type { Context, Section } from '../report/section.ts'
import { type LearnedName, runOf } from './methods.ts'
import { learnedFile, type Material } from './runs.ts'
import { openSst2, splitOf } from './sst2.ts'
import { whatItKeeps } from './what-it-keeps.ts'

const SHARE = 0.5

/** Those whose thresholds and policies see scores of another length than they were learned at. */
const names: readonly LearnedName[] = ['ltp', 'tr-bert']

/** Reviews are ten times as long as sentences, and there are few. */
const reviews = { prefix: 'imdb-', settings: { batchSize: 8 } }

/** Test reviews that are reported. */
const REPORTED = 500

export const generalisation: Section = {
  name: 'generalisation',
  title: 'Learned on short texts, applied to long ones, and the reverse',
  async run(context) {
    const { onProgress } = context
    const sst2 = await openSst2(context)
    const calibration = await openMinilm(context, ['imdb', 'calibration.tsv'])
    const { model, file, layerCount } = sst2.dev
    const places = [
      {
        name: 'SST-2',
        subject: sst2.dev,
        material: { model, file, layerCount, training: sst2.training, selection: sst2.selection } satisfies Material,
        data: {},
      },
      {
        name: 'IMDB',
        subject: await openMinilm(context, ['imdb', 'test.tsv'], REPORTED),
        material: { model, file, layerCount, ...splitOf(calibration.inputs) } satisfies Material,
        data: reviews,
      },
    ]
    const rows: string[][] = []
    const values: unknown[] = []
    for (const name of names) {
      for (const from of places) {
        const learned = await learnedFile(context, runOf(name, SHARE, 0, from.data), from.material)
        for (const to of places) {
          onProgress(`${name}, learned on ${from.name}, on ${to.name}`)
          const { flops, kept } = await whatItKeeps(context, to.subject, learned)
          const { accuracy, loss } = await against(context, to.subject, learned.file)
          rows.push([
            name,
            from.name,
            to.name,
            (100 * kept.mean).toFixed(1),
            kept.layers.map((share) => (100 * share).toFixed(0)).join(' '),
            flops.toFixed(3),
            plusMinus(accuracy),
            points(loss),
          ])
          values.push({ name, from: from.name, to: to.name, kept, flops, accuracy, loss })
        }
      }
    }
    return {
      tables: [
        {
          caption:
            `Trained for a share of ${SHARE} of the FLOPs of one data set, and nothing fitted to the other; SST-2's dev set, and ` +
            `${REPORTED} test reviews of IMDB`,
          headings: ['method', 'learned on', 'applied to', 'kept %', 'by layer', 'FLOPs', 'accuracy', 'loss'],
          rows,
        },
      ],
      notes: [],
      values,
    }
  },
}

/** Right answers of a pruned model, and how far it is behind the dense one. */
async function against({ runtime }: Context, { file, inputs }: Subject, pruned: Uint8Array) {
  const [whole, own] = await inParallel([file, pruned].map((one) => () => evaluateFile(runtime, one, inputs)))
  const correct = (own as Evaluation).correct.map(Number)
  const loss = behind((whole as Evaluation).correct.map(Number), correct)
  return { accuracy: accuracyInterval(correct), loss }
}
