import type { SessionOptions } from '@tp/core/runtime'
import type { VariantLatency } from '@tp/eval/metrics'
import { openMinilm } from '../foundations/minilm.ts'
import { feedsOfTurns, type Shape, shapeText, speedShapes } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { factor, interval } from '../output/numbers.ts'
import type { Section } from '../report/section.ts'
import { type ChromiumPage, openChromiumPage } from './chromium-page.ts'
import { timedFiles } from './timed-files.ts'

/** Different texts of each shape. */
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
    const files = timedFiles(subject)
    await using page = await openChromiumPage()
    const tables = []
    const values: Record<string, Measurement[]> = {}
    for (const { caption, options } of settings) {
      const measurements: Measurement[] = []
      for (const [name, file] of Object.entries(files)) await page.load(name, file, 'wasm', options)
      for (const shape of speedShapes) {
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

async function measureShape(page: ChromiumPage, subject: Subject, shape: Shape): Promise<Measurement[]> {
  const inputs = await feedsOfTurns(subject.inputs, shape, TURNS)
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
      interval({ low, high }),
    ]),
  }
}
