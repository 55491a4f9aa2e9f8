import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, pause, type Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { batches, runBatch } from '@tp/data/inputs'
import { type KeptFractions, keptFractions, mean, quantile, tracedCounts } from '@tp/metrics'

export interface Progress {
  readonly done: number
  readonly total: number
}

export interface EvaluateOptions {
  /** Examples in a batch; batches hold similar lengths (default 1, which also measures latency). */
  readonly batchSize?: number | undefined
  /** Tokens of a batch at most, padding included, so that long examples go in smaller batches; one always goes. Default: any number. */
  readonly batchTokens?: number | undefined
  /** Layers of the model, and tokens of an image or sound: required to count the kept tokens of a model with traces. */
  readonly layerCount?: number | undefined
  readonly tokens?: number | undefined
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** The results of running a model on examples, for any task. */
export interface Run {
  /** For a model with traces, when `layerCount` is given. */
  readonly kept: KeptFractions | undefined
  /**
   * End to end by example in milliseconds: tokenizing or reading, and one run. Only with batch size 1. Of use to see
   * what a user waits; to compare models, time them alternately.
   */
  readonly latency: { readonly p50: number; readonly p90: number; readonly mean: number } | undefined
}

/** One batch that has been run. */
export interface RanBatch {
  readonly feeds: NamedTensors
  readonly outputs: NamedTensors
  /** Which examples its rows are. */
  readonly positions: readonly number[]
}

/**
 * Runs a model on all examples.
 * @param take called with each batch; not timed
 * @throws TpError TP_DATA, TP_OPTION, TP_TOKENIZER, TP_ABORTED
 */
export async function runExamples(
  session: Session,
  inputs: ModelInputs,
  options: EvaluateOptions,
  take: (batch: RanBatch) => void | Promise<void>,
): Promise<Run> {
  const { batchTokens, signal, onProgress } = options
  // An export of a fixed size may take one example at a time.
  const batchSize = Math.min(options.batchSize ?? 1, fixedBatch(session))
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TpError('TP_OPTION', 'compare', `batchSize is ${batchSize}; it is a number of examples, 1 or more`)
  }
  if (batchTokens !== undefined && !(batchTokens >= 1)) {
    throw new TpError('TP_OPTION', 'compare', `batchTokens is ${batchTokens}; it is a number of tokens, 1 or more`)
  }
  const total = inputs.targets.length
  if (total === 0) throw new TpError('TP_DATA', 'compare', `${inputs.source}: holds no examples`)
  const milliseconds = new Array<number>(total)
  const counts = new Map<number, number[]>()
  let done = 0
  const { lengths, padded } = inputs
  for (const positions of batches(total, { size: batchSize, lengths, tokens: batchTokens, padded })) {
    await pause(signal, 'compare')
    const start = performance.now()
    const feeds = await inputs.feeds(positions)
    const outputs = await runBatch(session, feeds, signal)
    const elapsed = performance.now() - start
    await take({ feeds, outputs, positions })
    for (const position of positions) milliseconds[position] = elapsed + (inputs.preparationMs?.[position] ?? 0)
    for (const [layer, left] of tracedCounts(outputs)) {
      const all = counts.get(layer) ?? new Array<number>(total)
      counts.set(layer, all)
      for (const [row, position] of positions.entries()) all[position] = left[row] as number
    }
    done += positions.length
    onProgress?.({ done, total })
  }
  return { kept: keptOf(counts, inputs, options), latency: batchSize === 1 ? latencyOf(milliseconds) : undefined }
}

function keptOf(
  counts: ReadonlyMap<number, readonly number[]>,
  inputs: ModelInputs,
  { layerCount, tokens }: EvaluateOptions,
): KeptFractions | undefined {
  if (layerCount === undefined) return undefined
  const lengths = inputs.lengths ?? (tokens === undefined ? undefined : inputs.targets.map(() => tokens))
  return lengths === undefined ? undefined : keptFractions(counts, lengths, layerCount)
}

function latencyOf(milliseconds: readonly number[]): { p50: number; p90: number; mean: number } {
  return { p50: quantile(milliseconds, 0.5), p90: quantile(milliseconds, 0.9), mean: mean(milliseconds) }
}

/** The number of examples that a model always takes; infinite where it takes any. */
function fixedBatch({ inputs: [first] }: Session): number {
  const size = first?.dims[0]
  return typeof size === 'number' ? size : Number.POSITIVE_INFINITY
}
