import { countFlops } from '@tp/compiler'
import type { VariantLatency } from '@tp/eval/metrics'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { scheduleOf } from '../measure/compare.ts'
import { feedsOfTurns, type Shape, shapeText, speedShapes } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, pruned, type Variant, withoutDeadTokens } from '../measure/variant.ts'
import { factor, interval } from '../output/numbers.ts'
import type { Table } from '../output/table.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { openMinilm } from './minilm.ts'

/** Different texts of each shape: values change what is gathered, though hardly how long it takes. */
const TURNS = 4

const MS_A_SHAPE = 45_000

interface Measurement {
  readonly shape: string
  readonly variant: string
  readonly p50Ms: number
  readonly speedup: number
  readonly low: number
  readonly high: number
  readonly flops: number
}

export const minilmSpeed: Section = {
  name: 'minilm-speed',
  title: 'minilm-sentiment: model speed at fixed shapes',
  async run(context) {
    const subject = await openMinilm(context, ['imdb', 'test.tsv'], 300)
    const measurements: Measurement[] = []
    for (const shape of speedShapes) {
      context.onProgress(shapeText(shape))
      measurements.push(...(await measureShape(context, subject, shape)))
    }
    return findings(measurements)
  },
}

function variantsOf(subject: Subject): Record<string, Variant> {
  const at = (keep: number) => scheduleOf(subject, { keep, layers: [1, 2, 3, 4, 5] })
  return {
    dense: dense(subject),
    none: withoutDeadTokens(subject),
    'cls-attention 0.7': pruned(subject, clsAttention(), at(0.7)),
    'cls-attention 0.5': pruned(subject, clsAttention(), at(0.5)),
    'received-attention 0.7': pruned(subject, receivedAttention(), at(0.7)),
    'received-attention 0.5': pruned(subject, receivedAttention(), at(0.5)),
    'received-attention, 32 rows, 0.5': pruned(subject, receivedAttention({ queries: 32 }), at(0.5)),
  }
}

async function measureShape({ runtime }: Context, subject: Subject, shape: Shape): Promise<Measurement[]> {
  const variants = variantsOf(subject)
  const files = Object.fromEntries(Object.entries(variants).map(([name, { file }]) => [name, file]))
  const inputs = await feedsOfTurns(subject.inputs, shape, TURNS)
  const { variants: times } = await timeFiles(runtime, files, inputs, { rounds: 200, budgetMs: MS_A_SHAPE })
  const denseFlops = countFlops(subject.model, shape)
  return Object.entries(variants).map(([variant, { model }]) => {
    const { p50Ms, speedup } = times[variant] as VariantLatency
    const { value, low, high } = speedup
    const flops = denseFlops / countFlops(model, shape)
    return { shape: shapeText(shape), variant, p50Ms, speedup: value, low, high, flops }
  })
}

function findings(measurements: readonly Measurement[]): Findings {
  const table: Table = {
    headings: ['model', 'shape', 'p50 ms', 'speed-up', '95 % interval', 'FLOPs', 'speed-up / FLOPs'],
    rows: measurements.map(({ variant, shape, p50Ms, speedup, low, high, flops }) => [
      variant,
      shape,
      p50Ms.toFixed(2),
      factor(speedup),
      interval({ low, high }),
      factor(flops),
      (speedup / flops).toFixed(2),
    ]),
  }
  const caption = 'Each share kept in each layer but the first; one thread, all models in turns'
  return { tables: [{ caption, ...table }], notes: [], values: measurements }
}
