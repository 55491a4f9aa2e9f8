import { setImmediate } from 'node:timers/promises'
import { type AbortSignalLike, type NamedTensors, type Session, TpError, throwIfAborted } from '@tp/core'
import { quantile } from 'simple-statistics'
import { batches } from './batches.ts'
import type { ModelInputs } from './inputs/model-inputs.ts'
import { type BootstrapOptions, bootstrapMean, type Interval } from './metrics/bootstrap.ts'
import { type Kept, keptFractions } from './metrics/kept.ts'
import { largest, logitsOf } from './metrics/predictions.ts'
import { tracedCounts } from './metrics/trace.ts'

export interface Progress {
  readonly done: number
  readonly total: number
}

export interface EvaluateOptions {
  /** Examples in a batch; batches are made of like lengths (default 1, which also measures latency). */
  readonly batchSize?: number | undefined
  /** Blocks of the model, and tokens of a picture or sound: asked for to count what a model with traces keeps. */
  readonly blocks?: number | undefined
  readonly tokens?: number | undefined
  readonly bootstrap?: BootstrapOptions | undefined
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What a model answers on a data set. Arrays are by example, in the data set's order. */
export interface Evaluation {
  /** In percent, with 95 % bootstrap interval. */
  readonly accuracy: Interval
  readonly predictions: readonly number[]
  readonly correct: readonly boolean[]
  readonly classes: number
  /** [examples, classes] */
  readonly logits: Float32Array
  /** For a model with traces, when `blocks` is given. */
  readonly kept: Kept | undefined
  /**
   * End to end by example in milliseconds: tokenising or reading, and one run. Only with batch size 1. Of use to see
   * what a user waits; to compare models, time them in turns.
   */
  readonly latency: { readonly p50: number; readonly p90: number; readonly mean: number } | undefined
}

/**
 * Runs a model on all examples and counts right answers.
 * @throws TpError TP_DATA for a class that the model does not have, TP_OUTPUT, TP_TOKENIZER, TP_ABORTED
 */
export async function evaluate(
  session: Session,
  inputs: ModelInputs,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { batchSize = 1, signal, onProgress } = options
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TpError('TP_OPTION', 'eval', `batchSize is ${batchSize}; it is a number of examples, 1 or more`)
  }
  const total = inputs.targets.length
  if (total === 0) throw new TpError('TP_DATA', 'eval', `${inputs.source}: holds no examples`)
  const predictions = new Array<number>(total)
  const milliseconds = new Array<number>(total)
  const counts = new Map<number, number[]>()
  let logits: Float32Array | undefined
  let classes = 0
  let done = 0
  for (const positions of batches(total, batchSize, inputs.lengths)) {
    // a run may block the event loop: let timers and signals through
    await setImmediate()
    throwIfAborted(signal, 'eval')
    const start = performance.now()
    const outputs = await runBatch(session, await inputs.feeds(positions), signal)
    const elapsed = performance.now() - start
    const batch = logitsOf(outputs, positions.length)
    if (logits === undefined) {
      classes = batch.classes
      checkTargets(inputs, classes)
      logits = new Float32Array(total * classes)
    }
    for (const [row, position] of positions.entries()) {
      const values = batch.data.subarray(row * classes, (row + 1) * classes)
      logits.set(values, position * classes)
      predictions[position] = largest(values)
      milliseconds[position] = elapsed + (inputs.preparationMs?.[position] ?? 0)
    }
    for (const [block, left] of tracedCounts(outputs)) {
      const all = counts.get(block) ?? new Array<number>(total)
      counts.set(block, all)
      for (const [row, position] of positions.entries()) all[position] = left[row] as number
    }
    done += positions.length
    onProgress?.({ done, total })
  }
  const correct = predictions.map((prediction, i) => prediction === inputs.targets[i])
  return {
    accuracy: bootstrapMean(
      correct.map((right) => 100 * Number(right)),
      options.bootstrap,
    ),
    predictions,
    correct,
    classes,
    logits: logits as Float32Array,
    kept: keptOf(counts, inputs, options),
    latency: batchSize === 1 ? latencyOf(milliseconds) : undefined,
  }
}

async function runBatch(
  session: Session,
  feeds: NamedTensors,
  signal: AbortSignalLike | undefined,
): Promise<NamedTensors> {
  try {
    return await session.run(feeds, { signal })
  } catch (cause) {
    const range = /indices element out of data bounds, idx=(\d+) must be within the inclusive range \[-(\d+)/.exec(
      cause instanceof Error ? cause.message : '',
    )
    if (range === null) throw cause
    const [, id, rows] = range
    throw new TpError(
      'TP_TOKENIZER',
      'eval',
      `the model was given token or position ${id}, but its table has ${rows} rows: the tokenizer belongs to another ` +
        'model, or maxTokens is beyond what this one takes',
      { cause },
    )
  }
}

function checkTargets({ targets, source }: ModelInputs, classes: number): void {
  const position = targets.findIndex((target) => target >= classes)
  if (position < 0) return
  const seen = `example ${position} has class ${targets[position]}, but the model gives ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'eval', `${source}: ${seen}`)
}

function keptOf(
  counts: ReadonlyMap<number, readonly number[]>,
  inputs: ModelInputs,
  { blocks, tokens }: EvaluateOptions,
): Kept | undefined {
  if (blocks === undefined) return undefined
  const lengths = inputs.lengths ?? (tokens === undefined ? undefined : inputs.targets.map(() => tokens))
  return lengths === undefined ? undefined : keptFractions(counts, lengths, blocks)
}

function latencyOf(milliseconds: readonly number[]): { p50: number; p90: number; mean: number } {
  const [p50, p90] = quantile([...milliseconds], [0.5, 0.9]) as [number, number]
  return { p50, p90, mean: milliseconds.reduce((sum, ms) => sum + ms, 0) / milliseconds.length }
}
