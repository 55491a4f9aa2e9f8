import { prune } from '@tp/compiler'
import { baselines, type MethodEntry, type NamedTensors, schedule } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'
import { encodeModel } from '@tp/onnx'
import { openMinilm } from '../foundations/minilm.ts'
import { feedsOfShape } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { openMail } from '../quickstart/mail.ts'
import type { Context, Section } from '../report/section.ts'
import { encoders, openEncoder } from '../vision/encoders.ts'
import { type ChromiumPage, openChromiumPage } from './chromium-page.ts'
import { largestDifference, rowsThatDiffer } from './traced.ts'

/** Examples that go through each model: together (texts are padded), and the first once more by itself. */
const EXAMPLES = 4

const methods: readonly MethodEntry[] = [...baselines, ...attention, ...hybrid]

interface Case {
  readonly model: string
  readonly method: string
  /** Why it was not run: the compiler's refusal. */
  readonly refusal?: string
  /** Largest difference of a logit from Node. */
  readonly difference: number
  readonly rows: number
  /** Rows for which the two kept different tokens. */
  readonly differing: number
}

export const sameAnswers: Section = {
  name: 'same-answers',
  title: 'Node and wasm in Chromium: the same answers and the same tokens',
  async run(context) {
    await using page = await openChromiumPage()
    const cases: Case[] = []
    for (const [model, open] of Object.entries(subjects)) {
      const subject = await open(context)
      const feeds = [await subject.inputs.feeds(range(EXAMPLES)), await subject.inputs.feeds([0])]
      for (const method of methods) {
        context.onProgress(`${model}, ${method.name}`)
        cases.push(await compareRuntimes(context, page, { ...subject, name: model }, method, feeds, 'wasm'))
      }
    }
    const caption = `Every method at keep 0.7, ${EXAMPLES} examples together and one of them alone`
    return { tables: [{ caption, ...tableOf(cases) }], notes: notesOf(cases), values: cases }
  },
}

/** SwiftShader computes WebGPU on the processor, slowly: a few methods, one text of these lengths. */
const webgpuMethods = ['none', 'received-attention', 'cls-attention', 'random', 'ats', 'evit', 'tome']
const webgpuLengths = [32, 128]

export const webgpuAnswers: Section = {
  name: 'webgpu-answers',
  title: 'Node and WebGPU in Chromium (SwiftShader)',
  async run(context) {
    await using page = await openChromiumPage()
    const subject = await openMinilm(context, ['imdb', 'test.tsv'], 40)
    const cases: Case[] = []
    for (const tokens of webgpuLengths) {
      const feeds = [await feedsOfShape(subject.inputs, { batch: 1, tokens }, 0)]
      for (const method of methods.filter(({ name }) => webgpuMethods.includes(name))) {
        context.onProgress(`${tokens} tokens, ${method.name}`)
        const of = { ...subject, name: `minilm-sentiment, 1×${tokens}` }
        cases.push(await compareRuntimes(context, page, of, method, feeds, 'webgpu'))
      }
    }
    const caption = 'Keep 0.7; a check of answers, since a processor that plays a graphics device says nothing of speed'
    return { tables: [{ caption, ...tableOf(cases) }], notes: notesOf(cases), values: cases }
  },
}

/** Every model that there is, with data. */
const subjects: Readonly<Record<string, (context: Context) => Promise<Subject>>> = {
  mail: ({ runtime }) => openMail(runtime),
  'mail, int8': ({ runtime, shared }) => openMail(runtime, shared('models', 'mail', 'model.int8.onnx')),
  'minilm-sentiment': (context) => openMinilm(context, ['imdb', 'test.tsv'], 40),
  'minilm-sentiment, int8': (context) => openMinilm(context, ['imdb', 'test.tsv'], 40, 'model.int8.onnx'),
  ...Object.fromEntries(
    encoders.map((encoder) => [encoder.name, (context: Context) => openEncoder(context, encoder, 'test')]),
  ),
}

async function compareRuntimes(
  { runtime: node }: Context,
  page: ChromiumPage,
  subject: Subject,
  method: MethodEntry,
  feeds: readonly NamedTensors[],
  runtime: 'wasm' | 'webgpu',
): Promise<Case> {
  const found = { model: subject.name, method: method.name, rows: 0, differing: 0, difference: 0 }
  const at = schedule(subject.blocks, { keep: 0.7 })
  const result = prune(subject.model, { method: method.create(), schedule: at, trace: true })
  if (!result.ok) return { ...found, refusal: result.refusal.message }
  const file = encodeModel(result.model)
  await using session = await node.load(file, { threads: 1 })
  await page.load(method.name, file, runtime, { threads: 1 })
  for (const inputs of feeds) {
    const [expected, outputs] = [await session.run(inputs), await page.run(method.name, inputs)]
    found.rows += rowsOf(inputs)
    found.differing += rowsThatDiffer(expected, outputs).size
    found.difference = Math.max(found.difference, largestDifference(expected, outputs))
  }
  await page.clear()
  return found
}

function rowsOf(inputs: NamedTensors): number {
  return Object.values(inputs)[0]?.dims[0] ?? 0
}

function tableOf(cases: readonly Case[]) {
  return {
    headings: ['model', 'methods', 'largest difference of a logit', 'rows', 'with other tokens'],
    rows: [...new Set(cases.map(({ model }) => model))].map((model) => {
      const own = cases.filter((one) => one.model === model && one.refusal === undefined)
      const sum = (count: (one: Case) => number): number => own.reduce((total, one) => total + count(one), 0)
      return [
        model,
        `${own.length}`,
        Math.max(...own.map(({ difference }) => difference)).toExponential(1),
        `${sum(({ rows }) => rows)}`,
        `${sum(({ differing }) => differing)}`,
      ]
    }),
  }
}

function notesOf(cases: readonly Case[]): string[] {
  const listed = (of: readonly Case[], text: (one: Case) => string): string => of.map(text).join('; ')
  const refused = cases.filter(({ refusal }) => refusal !== undefined)
  const differing = cases.filter(({ differing, difference }) => differing > 0 || !(difference <= 1e-4))
  return [
    ...(refused.length === 0
      ? []
      : [`Refused: ${listed(refused, ({ model, method, refusal }) => `${method} on ${model} (${refusal})`)}.`]),
    ...(differing.length === 0
      ? ['No logit differs by more than 1e-4, and no row keeps other tokens.']
      : [
          `Beyond 1e-4, or with other tokens: ${listed(
            differing,
            ({ model, method, difference, differing, rows }) =>
              `${method} on ${model} (${difference.toExponential(1)}, ${differing} of ${rows} rows)`,
          )}.`,
        ]),
  ]
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
