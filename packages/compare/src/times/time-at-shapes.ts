import { TpError } from '@tp/core'
import type { AbortSignalLike, NamedTensors, Session } from '@tp/core/runtime'
import { runBatch } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { type InputRoles, type InputSizes, inputRoles, isText } from '../inputs/input-shapes.ts'
import { sampleInputs } from '../inputs/sample-inputs.ts'
import { flopsOf, timesFewer } from './flops.ts'
import { timeInTurns, type VariantLatency, withSessions } from './time-in-turns.ts'

/** Batch × tokens that texts are timed at, and batches of images and sounds. */
const TEXTS = [
  { batch: 1, tokens: 32 },
  { batch: 1, tokens: 128 },
  { batch: 1, tokens: 512 },
  { batch: 8, tokens: 128 },
] as const
const OTHERS = [{ batch: 1 }, { batch: 8 }] as const

/**
 * Shapes to time a model at: those that are requested, or usual ones.
 * @param maxTokens longest text that the model takes, if known: usual lengths beyond it are omitted
 * @throws TpError TP_SIZES for the length of a text that is missing; TP_INPUT where the model has another size
 */
export function shapesToTime(
  roles: InputRoles,
  requested: readonly InputSizes[] | undefined,
  maxTokens: number = Number.POSITIVE_INFINITY,
): readonly InputSizes[] {
  if (requested !== undefined) return requested.map((shape) => fitting(shape, roles, maxTokens))
  if (typeof roles.batch === 'number')
    return [{ batch: roles.batch, tokens: isText(roles) ? Math.min(128, maxTokens) : undefined }]
  return isText(roles) ? TEXTS.filter(({ tokens }) => tokens <= maxTokens) : OTHERS
}

function fitting({ batch, tokens }: InputSizes, roles: InputRoles, maxTokens: number): InputSizes {
  const fail = (code: 'TP_SIZES' | 'TP_INPUT', problem: string): TpError =>
    new TpError(code, 'compare', `the shape ${tokens === undefined ? batch : `${batch}x${tokens}`} ${problem}`)
  if (!isText(roles)) {
    if (tokens === undefined || tokens === roles.tokens) return { batch }
    throw fail(
      'TP_INPUT',
      `does not fit: the model's own number of tokens is ${roles.tokens}; give the batch alone, as ${batch}`,
    )
  }
  if (tokens === undefined) {
    // A number alone is rather the length of a text than its batch.
    const meant = batch >= 16 ? `1x${batch}` : `${batch}x128`
    throw fail('TP_SIZES', `has no length, and this model takes texts of any: did you mean ${meant}?`)
  }
  if (tokens > maxTokens) throw fail('TP_INPUT', `is too long: the model takes texts of at most ${maxTokens} tokens`)
  return { batch, tokens }
}

/** One of several models that take the same inputs. */
export interface ModelToTime {
  readonly name: string
  readonly model: Model
  /** Loads it with the threads that it is timed with. */
  open(): Promise<Session>
}

export interface TimedAtShape extends InputSizes {
  readonly name: string
  readonly rounds: number
  /** How many times fewer FLOPs than the first model; undefined where the data decide, and where they are not counted. */
  readonly flops: number | undefined
  readonly latency: VariantLatency
}

interface ShapeOptions {
  /** Milliseconds for each shape; default 4,000. */
  readonly timingMs?: number | undefined
  readonly countsFlops?: boolean
  readonly signal?: AbortSignalLike | undefined
  readonly onShape?: (shape: InputSizes) => void
  readonly onProgress?: (done: number, rounds: number) => void
}

const MOST_ROUNDS = 200

/**
 * Times models in turns on random inputs of some shapes; speed-ups are over the first model.
 * @throws TpError TP_INPUT for models that do not take the same inputs, TP_OUTPUT for one whose answers are all NaN, TP_ABORTED, and what loading and running throw
 * @example
 * const open = (model: Model) => () => nodeRuntime().load(encodeModel(model), { threads: 1 })
 * const models = [{ name: 'dense', model: dense, open: open(dense) }, { name: 'pruned', model: pruned, open: open(pruned) }]
 * for (const { name, latency } of await timeAtShapes(models, [{ batch: 1, tokens: 128 }])) console.log(name, latency.p50Ms)
 */
export async function timeAtShapes(
  models: readonly ModelToTime[],
  shapes: readonly InputSizes[],
  { timingMs = 4000, countsFlops = false, signal, onShape, onProgress }: ShapeOptions = {},
): Promise<TimedAtShape[]> {
  const [{ model }] = models as [ModelToTime]
  const roles = inputRoles(model)
  const flops = models.map((each) => (countsFlops ? flopsOf(each.model, roles) : undefined))
  return await withSessions(
    models.map(({ open }) => open),
    async (sessions) => {
      const results: TimedAtShape[] = []
      for (const shape of shapes) {
        onShape?.(shape)
        const feeds = sampleInputs(model, roles, shape)
        for (const [i, session] of sessions.entries())
          requireNumbers((models[i] as ModelToTime).name, await runBatch(session, feeds, signal))
        const { rounds, latencies } = await timeInTurns(sessions, [feeds], {
          ...{ rounds: MOST_ROUNDS, budgetMs: timingMs, signal, onProgress },
        })
        const [dense, ...others] = flops.map((count) => count?.(shape))
        for (const [i, latency] of latencies.entries()) {
          const own = i === 0 ? dense : others[i - 1]
          const { name } = models[i] as ModelToTime
          results.push({ ...shape, name, rounds, flops: timesFewer(dense, own), latency })
        }
      }
      return results
    },
  )
}

/** @throws TpError TP_OUTPUT for answers without a single number: how fast a model gives them says nothing */
function requireNumbers(name: string, outputs: NamedTensors): void {
  for (const [output, { type, data }] of Object.entries(outputs)) {
    if (!(type === 'float32' || type === 'float64') || data.length === 0) continue
    if ((data as Float32Array).some((value) => !Number.isNaN(value))) continue
    const advice = 'find out why with tp check before it is timed'
    throw new TpError('TP_OUTPUT', 'compare', `${name}: all of its output "${output}" is not a number (NaN); ${advice}`)
  }
}
