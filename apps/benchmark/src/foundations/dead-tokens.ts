import type { NamedTensors, Runtime } from '@tp/core/runtime'
import type { VariantLatency } from '@tp/eval/metrics'
import { feedsOfTurns, type Shape, shapeText } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, withoutDeadTokens } from '../measure/variant.ts'
import { differenceText, factor, interval } from '../output/numbers.ts'
import type { Context, Section } from '../report/section.ts'
import { openMinilm } from './minilm.ts'

const shapes: readonly Shape[] = [16, 32, 128, 512].map((tokens) => ({ batch: 1, tokens }))

const TURNS = 8
const MS_A_SHAPE = 20_000

/** Dead-token elimination alone: how much faster, and that the answers stay the same. */
export const deadTokens: Section = {
  name: 'dead-tokens',
  title: 'minilm-sentiment: dead-token elimination alone',
  async run(context) {
    const subject = await openMinilm(context, ['imdb', 'test.tsv'], 300)
    const rows: (Measurement & { readonly tokens: number })[] = []
    for (const shape of shapes) {
      context.onProgress(shapeText(shape))
      rows.push({ tokens: shape.tokens, ...(await measureShape(context, subject, shape)) })
    }
    return {
      tables: [
        {
          caption: 'One text, one thread, in turns',
          headings: ['tokens', 'dense p50 ms', 'p50 ms', 'speed-up', '95 % interval', 'largest difference of a logit'],
          rows: rows.map(({ tokens, denseMs, p50Ms, speedup, low, high, difference }) => [
            `${tokens}`,
            denseMs.toFixed(2),
            p50Ms.toFixed(2),
            factor(speedup),
            interval({ low, high }),
            differenceText(difference),
          ]),
        },
      ],
      notes: [],
      values: rows,
    }
  },
}

interface Measurement {
  readonly denseMs: number
  readonly p50Ms: number
  readonly speedup: number
  readonly low: number
  readonly high: number
  /** Largest absolute difference of any logit. */
  readonly difference: number
}

async function measureShape({ runtime }: Context, subject: Subject, shape: Shape): Promise<Measurement> {
  const files = { dense: dense(subject).file, none: withoutDeadTokens(subject).file }
  const inputs = await feedsOfTurns(subject.inputs, shape, TURNS)
  const { variants } = await timeFiles(runtime, files, inputs, { rounds: 500, budgetMs: MS_A_SHAPE })
  const { p50Ms, speedup } = variants.none as VariantLatency
  const { value, low, high } = speedup
  const difference = await largestDifference(runtime, files.dense, files.none, inputs)
  return { denseMs: (variants.dense as VariantLatency).p50Ms, p50Ms, speedup: value, low, high, difference }
}

async function largestDifference(
  runtime: Runtime,
  first: Uint8Array,
  second: Uint8Array,
  inputs: readonly NamedTensors[],
): Promise<number> {
  await using one = await runtime.load(first, { threads: 1 })
  await using other = await runtime.load(second, { threads: 1 })
  let difference = 0
  for (const feeds of inputs) {
    const logits = logitsOf(await one.run(feeds))
    const others = logitsOf(await other.run(feeds))
    difference = Math.max(difference, ...logits.map((logit, i) => Math.abs(logit - (others[i] as number))))
  }
  return difference
}

function logitsOf(outputs: NamedTensors): number[] {
  return Array.from(outputs.logits?.data as Float32Array)
}
