import { isTpError, type MethodEntry } from '@tp/core'
import type { NamedTensors, Session, SessionOptions } from '@tp/core/runtime'
import type { VariantLatency } from '@tp/eval/metrics'
import { encodeModel } from '@tp/onnx'
import { median } from 'simple-statistics'
import { show, showTimes } from '../measure/columns.ts'
import { largestDifference, rowsThatDiffer } from '../measure/compare-outputs.ts'
import { candidate, measure, type Row, withinLimits } from '../measure/measure.ts'
import { prepare } from '../measure/prepare.ts'
import { feedsOfShape, speedShapes } from '../measure/shapes.ts'
import { type ShapeRow, type Timer, timeShapes } from '../measure/speed.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { trainingFree } from '../registry/methods.ts'
import { type Budget, DENSE, NONE, pruned, type Setting } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { Context, Findings, Report, Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { type ChromiumPage, openChromiumPage } from '../web/chromium-page.ts'

const later = (keep: number): Budget => ({ keep, layers: [1, 2, 3, 4, 5] })

/** What is timed in Chromium, and at what accuracy; `none` is what the others are compared with. */
const timed = [
  candidate(NONE),
  candidate(DENSE),
  candidate(pruned('received-attention', later(0.7)), 'received-attention 0.7'),
  candidate(
    pruned('received-attention', { keep: 0.7, layers: [0, 1, 2, 3, 4, 5] }),
    'received-attention 0.7, layer 0 too',
  ),
  candidate(pruned('received-attention', later(0.5)), 'received-attention 0.5'),
  candidate(pruned('cls-attention', later(0.7)), 'cls-attention 0.7'),
]

/** The 2 threads are those of a worker of its own for each model, with the way there in every time. */
const threads: Readonly<Record<string, SessionOptions>> = {
  'one thread, in the page': { threads: 1 },
  'two threads, in a worker': { threads: 2, worker: true },
}

const speedColumns: Columns<ShapeRow> = {
  model: ({ name }) => name,
  shape: ({ shape }) => shape,
  ...showTimes.ms,
  ...showTimes.speedup,
  ...showTimes.interval,
}

/** Models on a page in Chromium, all in turns. */
export function pageTimer(page: ChromiumPage, options: SessionOptions): Timer {
  return async (files, inputs, timing) => {
    try {
      for (const [i, file] of files.entries()) await page.load(`${i}`, file, 'wasm', options)
      const { rounds, budgetMs } = timing
      return Object.values(
        (await page.compare(inputs, withinLimits({ rounds, budgetMs }))).variants,
      ) as VariantLatency[]
    } finally {
      await page.clear()
    }
  }
}

const wasmSpeed: Section = {
  name: 'wasm-speed',
  async run(context) {
    const subject = await openSubject(context, subjects['minilm-imdb'], 'test', 300)
    await using page = await openChromiumPage()
    const timing = { shapes: speedShapes, turns: 3, rounds: 100, budgetMs: 40_000 }
    const tables: Table[] = []
    const values: Record<string, unknown> = {}
    for (const [caption, options] of Object.entries(threads)) {
      const rows = await timeShapes(context, subject, timed, timing, pageTimer(page, options))
      tables.push(tableOf(`Chromium ${page.version}, ${caption}; speed-up over \`none\``, speedColumns, rows))
      values[caption] = rows
    }
    return { tables, values }
  },
}

/** In Node, where it takes a fraction of the time; the section on equal answers says how far that carries over. */
const wasmAccuracy: Section = {
  name: 'wasm-accuracy',
  async run(context) {
    const tables: Table[] = []
    const values: Record<string, unknown> = {}
    for (const name of ['minilm-imdb', 'minilm-sst2'] as const) {
      const subject = await openSubject(context, subjects[name], 'test', 2000)
      const rows = await measure(
        context,
        subject,
        timed.filter((one) => one.settings[0] !== DENSE),
      )
      const columns = {
        ...show.method,
        ...show.accuracy,
        ...show.loss,
        'agrees with none': ({ agreement }: Row) => `${agreement.toFixed(1)} %`,
      }
      tables.push(tableOf(`${name}, ${subject.lengths.length} examples`, columns, rows))
      values[name] = rows.map(({ correct: _, ...row }) => row)
    }
    return { tables, values }
  },
}

/** A model with a method in it, in Node and in Chromium. */
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
  /** Those of them for which Node alone decides otherwise, too, when its input moves by a millionth. */
  readonly onTheEdge: number
}

async function compareRuntimes(
  { runtime: node }: Context,
  page: ChromiumPage,
  { subject, model, int8 }: { readonly subject: Subject; readonly model: string; readonly int8?: boolean },
  { name: method }: MethodEntry,
  feeds: readonly NamedTensors[],
  runtime: 'wasm' | 'webgpu',
): Promise<Case> {
  const found = { model, method, rows: 0, differing: 0, onTheEdge: 0, difference: 0 }
  const layers = Array.from({ length: subject.layers - 1 }, (_, i) => i + 1)
  const setting: Setting = { ...pruned(method, { keep: 0.7, layers }), ...(int8 && { int8: true }) }
  let file: Uint8Array
  try {
    file = encodeModel((await prepare(subject, setting, { trace: true })).model)
  } catch (error) {
    if (isTpError(error)) return { ...found, refusal: error.message }
    throw error
  }
  await using session = await node.load(file, { threads: 1 })
  await page.load(method, file, runtime, { threads: 1 })
  for (const inputs of feeds) {
    const [expected, outputs] = [await session.run(inputs), await page.run(method, inputs)]
    found.rows += Object.values(inputs)[0]?.dims[0] ?? 0
    const rows = rowsThatDiffer(expected, outputs)
    found.differing += rows.size
    if (rows.size > 0) found.onTheEdge += await countOnTheEdge(session, inputs, expected, rows)
    found.difference = Math.max(found.difference, largestDifference(expected, outputs))
  }
  await page.clear()
  return found
}

/** How often an input is moved, and by how much of its largest number: what rounding does, too. */
const MOVES = 20
const MILLIONTH = 1e-6

/** Of these rows, those whose tokens change in Node when its input moves a little: their scores all but tie. */
async function countOnTheEdge(
  session: Session,
  inputs: NamedTensors,
  expected: NamedTensors,
  rows: ReadonlySet<number>,
): Promise<number> {
  const changed = new Set<number>()
  for (let move = 0; move < MOVES; move++) {
    for (const row of rowsThatDiffer(expected, await session.run(moved(inputs, move)))) {
      if (rows.has(row)) changed.add(row)
    }
  }
  return changed.size
}

/** Token numbers cannot move; images and sounds can. */
function moved(inputs: NamedTensors, seed: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      if (!(tensor.data instanceof Float32Array)) return [name, tensor]
      const most = tensor.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
      const data = tensor.data.map((value, i) => value + MILLIONTH * most * Math.sin(i * 12.9898 + seed * 78.233))
      return [name, { ...tensor, data }]
    }),
  )
}

/** Logits are the same up to this. */
const SAME = 1e-4

function differences(caption: string, cases: readonly Case[]): Findings {
  const models = [...new Set(cases.map(({ model }) => model))].map((model) => {
    const own = cases.filter((one) => one.model === model && one.refusal === undefined)
    const sum = (count: (one: Case) => number): number => own.reduce((total, one) => total + count(one), 0)
    return { model, own, sum, dense: own.find(({ method }) => method === 'none')?.difference ?? Number.NaN }
  })
  const table = tableOf(
    caption,
    {
      model: ({ model }) => model,
      methods: ({ own }) => `${own.length}`,
      'dense differs by': ({ dense }) => dense.toExponential(1),
      'methods differ by (median, most)': ({ own }) => {
        const all = own.map(({ difference }) => difference)
        return `${median(all).toExponential(1)}, ${Math.max(...all).toExponential(1)}`
      },
      rows: ({ sum }) => `${sum(({ rows }) => rows)}`,
      'with other tokens': ({ sum }) => `${sum(({ differing }) => differing)}`,
      'on the edge': ({ sum }) => `${sum(({ onTheEdge }) => onTheEdge)}`,
    },
    models,
  )
  const alike = models.filter(({ dense }) => dense <= SAME).map(({ model }) => model)
  const others = cases.filter(
    ({ model, differing, difference, refusal }) =>
      refusal !== undefined || (alike.includes(model) && (differing > 0 || !(difference <= SAME))),
  )
  const single = tableOf(
    `Single cases with other tokens, or logits that differ by more than ${SAME}, on models whose dense logits do not; and refusals`,
    {
      'model, method': ({ model, method }) => `${model}, ${method}`,
      'logits differ by': ({ difference }) => difference.toExponential(1),
      'rows with other tokens': ({ differing, rows }) => `${differing} of ${rows}`,
      'on the edge': ({ onTheEdge }) => `${onTheEdge}`,
      refused: ({ refusal = '' }) => refusal,
    },
    others,
  )
  return { tables: others.length === 0 ? [table] : [table, single], values: cases }
}

/** Examples that go through each model: together (texts are padded), and the first once more by itself. */
const EXAMPLES = 4

const compared: readonly { readonly name: SubjectName; readonly int8?: true }[] = [
  { name: 'mail' },
  { name: 'mail', int8: true },
  { name: 'minilm-imdb' },
  { name: 'minilm-imdb', int8: true },
  ...(['fashion-vit', 'digits-vit', 'vit-mnist', 'kwt1'] as const).map((name) => ({ name })),
]

const sameAnswers: Section = {
  name: 'same-answers',
  async run(context) {
    await using page = await openChromiumPage()
    const cases: Case[] = []
    for (const { name, int8 = false } of compared) {
      const subject = await openSubject(context, subjects[name], 'test', EXAMPLES)
      const rows = Array.from({ length: EXAMPLES }, (_, i) => i)
      const feeds = [await subject.inputs.feeds(rows), await subject.inputs.feeds([0])]
      const about = { subject, model: int8 ? `${name}, int8` : name, int8 }
      for (const method of trainingFree) {
        context.onProgress(`${about.model}, ${method.name}`)
        cases.push(await compareRuntimes(context, page, about, method, feeds, 'wasm'))
      }
    }
    return differences(`Every method at keep 0.7, ${EXAMPLES} examples together and one of them alone`, cases)
  },
}

/** SwiftShader computes WebGPU on the processor, slowly: a few methods, one text of these lengths. */
const webgpuMethods = ['none', 'received-attention', 'cls-attention', 'random', 'ats', 'evit', 'tome']

const webgpuAnswers: Section = {
  name: 'webgpu-answers',
  async run(context) {
    await using page = await openChromiumPage()
    const subject = await openSubject(context, subjects['minilm-imdb'], 'test', 40)
    const cases: Case[] = []
    for (const tokens of [32, 128]) {
      const feeds = [await feedsOfShape(subject.inputs, { batch: 1, tokens }, 0)]
      for (const method of trainingFree.filter(({ name }) => webgpuMethods.includes(name))) {
        context.onProgress(`${tokens} tokens, ${method.name}`)
        const about = { subject, model: `minilm-sentiment, 1×${tokens}` }
        cases.push(await compareRuntimes(context, page, about, method, feeds, 'webgpu'))
      }
    }
    return differences(
      'Keep 0.7; a check of answers, since a processor in place of a graphics device says nothing of speed',
      cases,
    )
  },
}

export const web: Report = { name: 'web', sections: [wasmSpeed, wasmAccuracy, sameAnswers, webgpuAnswers] }
