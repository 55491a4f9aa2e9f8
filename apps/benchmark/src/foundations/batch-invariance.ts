import { prune, TRACE } from '@tp/compiler'
import { type Method, random } from '@tp/core'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { balanced, clsAttention, receivedAttention, valueWeighted } from '@tp/method-attention'
import { encodeModel } from '@tp/onnx'
import { scheduleOf } from '../measure/compare.ts'
import { stratifiedSample } from '../measure/sample.ts'
import type { Subject } from '../measure/subject.ts'
import { differenceText } from '../output/numbers.ts'
import { openMail } from '../quickstart/mail.ts'
import type { Context, Section } from '../report/section.ts'
import { openMinilm } from './minilm.ts'

const TEXTS = 64
const BATCH = 8
/** Columns of padding beyond a text's own length. */
const PADDING = 37
const MOST_TOKENS = 512

const methods: readonly Method[] = [clsAttention(), receivedAttention(), valueWeighted(), balanced(), random()]

interface Row {
  readonly model: string
  readonly method: string
  /** Largest difference of a logit from the text alone. */
  readonly padded: number
  readonly shuffled: number
  /** Texts, of all comparisons, that kept other tokens than alone. */
  readonly otherTokens: number
}

/** An example's answer must not depend on what it is batched or padded with. */
export const batchInvariance: Section = {
  name: 'batch-invariance',
  title: 'Batch invariance',
  async run(context) {
    const rows: Row[] = []
    for (const subject of await subjects(context)) {
      for (const method of methods) {
        context.onProgress(`${subject.name}, ${method.name}`)
        rows.push(await measure(context.runtime, subject, method))
      }
    }
    const worst = Math.max(...rows.flatMap(({ padded, shuffled }) => [padded, shuffled]))
    const moved = rows.reduce((sum, { otherTokens }) => sum + otherTokens, 0)
    return {
      tables: [
        {
          caption: `${TEXTS} texts of the test split, keep 0.5 in each layer but the first; alone against ${PADDING} columns of padding, and against shuffled batches of ${BATCH}`,
          headings: [
            'model, method',
            'padded: largest difference',
            'shuffled: largest difference',
            'texts that kept other tokens',
          ],
          rows: rows.map(({ model, method, padded, shuffled, otherTokens }) => [
            `${model}, ${method}`,
            differenceText(padded),
            differenceText(shuffled),
            `${otherTokens}`,
          ]),
        },
      ],
      notes: [
        `Largest difference of a logit anywhere: ${differenceText(worst)}; texts that kept other tokens: ${moved}.`,
      ],
      values: rows,
    }
  },
}

async function subjects(context: Context): Promise<Subject[]> {
  return [await openMail(context.runtime), await openMinilm(context, ['imdb', 'test.tsv'])]
}

async function measure(runtime: Runtime, subject: Subject, method: Method): Promise<Row> {
  const layers = Array.from({ length: subject.layerCount - 1 }, (_, i) => i + 1)
  const result = prune(subject.model, { method, schedule: scheduleOf(subject, { keep: 0.5, layers }), trace: true })
  if (!result.ok) throw new Error(result.refusal.message)
  await using session = await runtime.load(encodeModel(result.model), { threads: 1 })
  const positions = stratifiedSample(subject.lengths, TEXTS)
  const alone: Answer[] = []
  const padded: Answer[] = []
  for (const position of positions) {
    const feeds = await subject.inputs.feeds([position])
    alone.push(...(await answers(session, feeds)))
    padded.push(...(await answers(session, widened(feeds))))
  }
  const shuffled: Answer[] = []
  const order = shuffle(positions.length)
  for (let start = 0; start < order.length; start += BATCH) {
    const batch = order.slice(start, start + BATCH)
    const feeds = await subject.inputs.feeds(batch.map((i) => positions[i] as number))
    for (const [row, answer] of (await answers(session, feeds)).entries()) shuffled[batch[row] as number] = answer
  }
  return {
    model: subject.name,
    method: method.name,
    padded: difference(alone, padded),
    shuffled: difference(alone, shuffled),
    otherTokens: [padded, shuffled].reduce((sum, other) => sum + moved(alone, other), 0),
  }
}

interface Answer {
  readonly logits: readonly number[]
  /** Original places of the tokens that stayed, of every cut, as text to compare. */
  readonly kept: string
}

async function answers(session: Session, feeds: NamedTensors): Promise<Answer[]> {
  const outputs = await session.run(feeds)
  const { dims, data } = outputs.logits as NamedTensors[string]
  const [rows = 0, classes = 0] = dims
  const cuts = Object.keys(outputs).filter((name) => name.startsWith(TRACE) && name.endsWith('.indices'))
  return Array.from({ length: rows }, (_, row) => ({
    logits: Array.from((data as Float32Array).subarray(row * classes, (row + 1) * classes)),
    kept: cuts.map((cut) => keptAt(outputs, cut, row).join(' ')).join(' | '),
  }))
}

function keptAt(outputs: NamedTensors, cut: string, row: number): bigint[] {
  const indices = outputs[cut] as NamedTensors[string]
  const valid = outputs[cut.replace(/indices$/, 'valid')] as NamedTensors[string]
  const width = indices.dims[1] as number
  const own = (indices.data as BigInt64Array).subarray(row * width, (row + 1) * width)
  return [...own].filter((_, i) => (valid.data as Uint8Array)[row * width + i] === 1)
}

/** One text with columns of padding behind it; of ids, 0 is padding in these vocabularies. */
function widened(feeds: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => {
      const width = Math.min((dims[1] as number) + PADDING, MOST_TOKENS)
      const wide = new BigInt64Array(width)
      wide.set(data as BigInt64Array)
      return [name, { type, dims: [1, width], data: wide }]
    }),
  )
}

/** 0 … count − 1 in another order, always the same: 29 shares no factor with 64. */
function shuffle(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 29 + 7) % count)
}

function difference(one: readonly Answer[], other: readonly Answer[]): number {
  const differences = one.flatMap(({ logits }, i) =>
    logits.map((logit, c) => Math.abs(logit - (other[i]?.logits[c] ?? Number.NaN))),
  )
  return Math.max(...differences)
}

function moved(one: readonly Answer[], other: readonly Answer[]): number {
  return one.filter(({ kept }, i) => kept !== other[i]?.kept).length
}
