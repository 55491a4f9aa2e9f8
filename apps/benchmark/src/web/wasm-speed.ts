import type { NamedTensors, SessionOptions } from '@tp/core'
import type { VariantLatency } from '@tp/eval'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { openMinilm } from '../foundations/minilm.ts'
import { scheduleOf } from '../measure/compare.ts'
import { feedsOfShape, type Shape, shapeText } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { dense, pruned, withoutDeadTokens } from '../measure/variant.ts'
import { factor } from '../output/numbers.ts'
import type { Section } from '../report/section.ts'
import { type ChromiumPage, openChromiumPage } from './chromium-page.ts'

const shapes: readonly Shape[] = [
  { batch: 1, tokens: 32 },
  { batch: 1, tokens: 128 },
  { batch: 1, tokens: 512 },
  { batch: 8, tokens: 128 },
]

/** Texts of each shape, and how long they are timed. */
const TURNS = 3
const MS_A_SHAPE = 40_000

interface Measurement {
  readonly shape: string
  readonly variant: string
  readonly p50Ms: number
  readonly speedup: VariantLatency['speedup']
}

/** The 2 threads are those of a worker of its own for each model, with the way there in every time. */
const settings: readonly { readonly caption: string; readonly options: SessionOptions }[] = [
  { caption: 'One thread, in the page', options: { threads: 1 } },
  { caption: 'Two threads, in a worker', options: { threads: 2, worker: true } },
]

export const wasmSpeed: Section = {
  name: 'wasm-speed',
  title: 'minilm-sentiment in Chromium: speed of wasm',
  async run(context) {
    const subject = await openMinilm(context, ['imdb', 'test.tsv'], 300)
    const files = filesOf(subject)
    await using page = await openChromiumPage()
    const tables = []
    const values: Record<string, Measurement[]> = {}
    for (const { caption, options } of settings) {
      const measurements: Measurement[] = []
      for (const [name, file] of Object.entries(files)) await page.load(name, file, 'wasm', options)
      for (const shape of shapes) {
        context.onProgress(`${caption}, ${shapeText(shape)}`)
        measurements.push(...(await measureShape(page, subject, shape)))
      }
      await page.clear()
      tables.push({ caption: `${caption}; speed-up over \`none\``, ...tableOf(measurements) })
      values[caption] = measurements
    }
    return { tables, notes: [`Chromium ${page.version}, headless.`], values }
  },
}

function filesOf(subject: Subject): Record<string, Uint8Array> {
  const at = (keep: number, layers = [1, 2, 3, 4, 5]) => scheduleOf(subject, { keep, layers })
  return {
    none: withoutDeadTokens(subject).file,
    dense: dense(subject).file,
    'received-attention 0.7': pruned(subject, receivedAttention(), at(0.7)).file,
    'received-attention 0.7, block 0 too': pruned(subject, receivedAttention(), at(0.7, [0, 1, 2, 3, 4, 5])).file,
    'received-attention 0.5': pruned(subject, receivedAttention(), at(0.5)).file,
    'cls-attention 0.7': pruned(subject, clsAttention(), at(0.7)).file,
  }
}

async function measureShape(page: ChromiumPage, subject: Subject, shape: Shape): Promise<Measurement[]> {
  const inputs: NamedTensors[] = []
  for (let turn = 0; turn < TURNS; turn++) inputs.push(await feedsOfShape(subject.inputs, shape, turn))
  const { variants } = await page.compare(inputs, { rounds: 100, budgetMs: MS_A_SHAPE })
  return Object.entries(variants).map(([variant, { p50Ms, speedup }]) => ({
    shape: shapeText(shape),
    variant,
    p50Ms,
    speedup,
  }))
}

function tableOf(measurements: readonly Measurement[]) {
  return {
    headings: ['model', 'shape', 'p50 ms', 'speed-up', '95 % interval'],
    rows: measurements.map(({ variant, shape, p50Ms, speedup: { value, low, high } }) => [
      variant,
      shape,
      p50Ms.toFixed(2),
      factor(value),
      `${low.toFixed(2)} … ${high.toFixed(2)}`,
    ]),
  }
}
