import type { Generation } from '@tp/data'
import {
  accuracyInterval,
  accuracyLoss,
  type Figure,
  figureLoss,
  type Interval,
  meanFigure,
  type VariantLatency,
} from '@tp/metrics'
import { nameOf } from '../measuring/rows.ts'
import { factor, interval, megabytes, points } from '../output/numbers.ts'
import { table } from '../output/table.ts'

export interface GenerationTimes {
  /** Of a whole prompt, and of one token after it. */
  readonly prefill: VariantLatency
  readonly step: VariantLatency
}

/** One row of the table of `tp eval --task generation`; the first is dense. */
export interface GenerationRow extends GenerationTimes {
  readonly method: string
  readonly keep: string
  /** One a seed. */
  readonly generations: readonly [Generation, ...Generation[]]
  /** Of a process that reads the longest prompt; absent where it was not asked for. */
  readonly peakBytes?: number
}

interface Quality {
  /** Percent of answers that are right, and points fewer than dense. */
  readonly right?: Interval
  readonly loss?: Interval
  /** Perplexity of continuations: dense itself, of the others how many times as high. */
  readonly perplexity?: Interval
  /** Bytes of caches after a prompt, on average. */
  readonly cacheBytes: number
}

export function describeGeneration(rows: readonly GenerationRow[]): string {
  const [dense] = rows as [GenerationRow]
  const first = dense.generations[0]
  const headings = [
    ...['method', 'keep'],
    ...(first.answers ? ['right', 'points fewer'] : []),
    ...(first.nats ? ['perplexity'] : []),
    ...[
      'caches',
      ...(dense.peakBytes === undefined ? [] : ['memory']),
      'prompt ms',
      'speed-up',
      'token ms',
      'speed-up',
    ],
  ]
  const cells = rows.map((row) => {
    const isDense = row === dense
    const { right, loss, perplexity, cacheBytes } = qualityOf(row, dense)
    return [
      nameOf({ method: row.method, seeds: row.generations.length }),
      row.keep,
      ...(first.answers ? [right ? interval(right) : '', loss && !isDense ? points(loss) : ''] : []),
      ...(perplexity ? [isDense ? perplexity.estimate.toFixed(2) : times(perplexity)] : []),
      megabytes(cacheBytes),
      ...(row.peakBytes === undefined ? [] : [megabytes(row.peakBytes)]),
      ...[row.prefill, row.step].flatMap((latency) => [
        latency.p50Ms.toFixed(1),
        isDense
          ? factor(1)
          : `${factor(latency.speedup.value)} (${latency.speedup.low.toFixed(2)} … ${latency.speedup.high.toFixed(2)})`,
      ]),
    ]
  })
  return table(headings, cells, ['method'])
}

/** The rows in JSON: percent, points, factors over dense, bytes, milliseconds. */
export function generationContent(rows: readonly GenerationRow[]): object[] {
  const [dense] = rows as [GenerationRow]
  return rows.map((row) => ({
    method: row.method,
    keep: row.keep === '' ? null : row.keep,
    seeds: row.generations.length,
    ...qualityOf(row, dense),
    ...(row.peakBytes !== undefined && { peakBytes: row.peakBytes }),
    texts: row.generations[0].texts,
    prompt: latencyContent(row.prefill),
    token: latencyContent(row.step),
  }))
}

function latencyContent({ p50Ms, p90Ms, speedup }: VariantLatency): object {
  return { p50Ms, p90Ms, speedup: speedup.value, speedupLow: speedup.low, speedupHigh: speedup.high }
}

function qualityOf({ generations }: GenerationRow, dense: GenerationRow): Quality {
  const own = { answers: mean(generations, 'answers'), nats: mean(generations, 'nats') }
  const reference = dense.generations[0]
  const bytes = generations.flatMap(({ cacheBytes }) => cacheBytes)
  return {
    ...(own.answers && {
      right: accuracyInterval(own.answers.got),
      loss: accuracyLoss((reference.answers as Figure).got, own.answers.got),
    }),
    ...(own.nats && { perplexity: perplexityOf(own.nats, generations[0] === reference ? undefined : reference.nats) }),
    cacheBytes: bytes.reduce((sum, count) => sum + count, 0) / bytes.length,
  }
}

function mean(generations: readonly Generation[], name: 'answers' | 'nats'): Figure | undefined {
  const figures = generations.flatMap((generation) => generation[name] ?? [])
  return figures.length === 0 ? undefined : meanFigure(figures)
}

/** e to the nats, or to how many more these are than those of the dense decoder. */
function perplexityOf(nats: Figure, dense: Figure | undefined): Interval {
  const { estimate, low, high } = figureLoss(nats, dense ?? { ...nats, got: nats.got.map(() => 0) })
  return { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) }
}

function times({ estimate, low, high }: Interval): string {
  return `×${estimate.toFixed(3)} (${low.toFixed(3)} … ${high.toFixed(3)})`
}
