import { isTpError, TpError } from '@tp/core'
import { type Dim, substituteDim } from '@tp/core/expression'
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
  /** Layers of the model, and tokens of an image or sound, perhaps by the sizes of its inputs: required to count the kept tokens of a model with traces. */
  readonly layerCount?: number | undefined
  readonly tokens?: Dim | undefined
  /** Opens the dense model, of encoders of speech: what writes down a clip over which the decoder repeats itself. Called for each. */
  readonly dense?: (() => Promise<Session>) | undefined
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** The results of running a model on examples, for any task. */
export interface Run {
  /** For a model with traces, when `layerCount` is given, and it is known how many tokens each example has. */
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
  const own = new Array<number | undefined>(total)
  for (const positions of batches(total, { size: batchSize, lengths, tokens: batchTokens, padded })) {
    await pause(signal, 'compare')
    const start = performance.now()
    const feeds = await inputs.feeds(positions)
    const outputs = await runBatch(session, feeds, signal).catch((cause: unknown) => {
      throw withFile(cause, inputs, positions)
    })
    const elapsed = performance.now() - start
    await take({ feeds, outputs, positions })
    const tokens = options.tokens === undefined ? undefined : tokensOf(options.tokens, session, feeds)
    for (const position of positions) {
      own[position] = tokens
      milliseconds[position] = elapsed + (inputs.preparationMs?.[position] ?? 0)
    }
    for (const [layer, left] of tracedCounts(outputs)) {
      const all = counts.get(layer) ?? new Array<number>(total)
      counts.set(layer, all)
      for (const [row, position] of positions.entries()) all[position] = left[row] as number
    }
    done += positions.length
    onProgress?.({ done, total })
  }
  return {
    kept: keptOf(counts, lengths ?? own, options),
    latency: batchSize === 1 ? latencyOf(milliseconds) : undefined,
  }
}

/** An error of a run with the image or the recording that it was about, such as one too short for a convolution. */
function withFile(
  cause: unknown,
  { lengths, keys }: ModelInputs,
  [position = 0, ...others]: readonly number[],
): unknown {
  const file = keys?.[position]
  if (!isTpError(cause) || cause.code !== 'TP_RUN' || lengths || others.length > 0 || typeof file !== 'string')
    return cause
  return new TpError(cause.code, 'compare', `${file}: ${cause.message}`, { cause })
}

function keptOf(
  counts: ReadonlyMap<number, readonly number[]>,
  lengths: readonly (number | undefined)[],
  { layerCount }: EvaluateOptions,
): KeptFractions | undefined {
  if (layerCount === undefined) return undefined
  // Without a trace all are kept, however many they are.
  const known = counts.size === 0 ? lengths.map(() => 1) : lengths.filter((length) => length !== undefined)
  return known.length < lengths.length ? undefined : keptFractions(counts, known, layerCount)
}

/** The tokens of each example of a batch; undefined where the sizes of its inputs do not say it, or padding may be among them. */
function tokensOf(tokens: Dim, { inputs }: Session, feeds: NamedTensors): number | undefined {
  if (typeof tokens === 'number') return tokens
  const sizes = new Map(
    inputs.flatMap(({ name, dims }) => dims.map((dim, axis) => [String(dim), feeds[name]?.dims[axis] ?? 0] as const)),
  )
  const found = substituteDim(tokens, sizes)
  const isPadded = inputs.length > 1 && feeds[inputs[0]?.name ?? '']?.dims[0] !== 1
  return typeof found === 'number' && !isPadded ? found : undefined
}

function latencyOf(milliseconds: readonly number[]): { p50: number; p90: number; mean: number } {
  return { p50: quantile(milliseconds, 0.5), p90: quantile(milliseconds, 0.9), mean: mean(milliseconds) }
}

/** The number of examples that a model always takes; infinite where it takes any. */
function fixedBatch({ inputs: [first] }: Session): number {
  const size = first?.dims[0]
  return typeof size === 'number' ? size : Number.POSITIVE_INFINITY
}
