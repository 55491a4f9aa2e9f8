import { withDecoder } from '@tp/compare'
import type { Session } from '@tp/core/runtime'
import type { SpeechDecoder } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { comparePaired, type VariantLatency } from '@tp/metrics'
import type { Context } from '../command/context.ts'
import type { TaskInputs } from '../model/open-task-inputs.ts'
import { spreadByLength } from './timed-examples.ts'

/** Enough lengths to represent all, few enough to time often. */
export const TIMED_EXAMPLES = 16
/** The same of recordings, which take longer. */
const TIMED_RECORDINGS = 8
/** Milliseconds in which models are timed against each other. */
export const TIMING_MS = 20_000

/** How fast a model is, compared with the first one. */
export interface Times {
  /** Of a run of the model; where a decoder follows, of both together. */
  readonly latency: VariantLatency
  /** Of the encoder alone, where a decoder follows. */
  readonly encoder?: VariantLatency
  /** Seconds of sound that are written down in one second. */
  readonly soundPerSecond?: number
}

export interface TimedData {
  readonly data: TaskInputs
  readonly batchSize: number
  /** Follows the encoder, and is the same for all. */
  readonly decoder?: SpeechDecoder | undefined
}

/** Times models alternately on examples of all lengths, the first one's times being those that the others are compared with. */
export async function timeInTurns(
  sessions: readonly Session[],
  { data, batchSize, decoder }: TimedData,
  context: Pick<Context, 'progress' | 'signal' | 'timingMs' | 'timedExamples'>,
): Promise<Times[]> {
  const {
    progress,
    signal,
    timingMs = TIMING_MS,
    timedExamples = decoder ? TIMED_RECORDINGS : TIMED_EXAMPLES,
  } = context
  const inputs: ModelInputs = data.inputs
  const examples = spreadByLength(inputs, timedExamples, batchSize)
  const feeds = await Promise.all(examples.map((positions) => inputs.feeds(positions)))
  const timed = async (those: readonly Session[]): Promise<VariantLatency[]> => {
    const named = Object.fromEntries(those.map((session, i) => [`${i}`, session]))
    const { variants } = await comparePaired(named, feeds, {
      budgetMs: timingMs,
      signal,
      onProgress: (done, rounds) => progress.step(done, rounds),
    })
    return those.flatMap((_, i) => variants[`${i}`] ?? [])
  }
  const encoders = await timed(sessions)
  if (decoder === undefined || data.task !== 'asr') return encoders.map((latency) => ({ latency }))
  const seconds = await Promise.all(examples.flat().map((position) => data.inputs.seconds(position)))
  const sound = seconds.reduce((sum, own) => sum + own, 0)
  const totals = await timed(sessions.map((session) => withDecoder(session, decoder)))
  return totals.map((latency, i) => ({
    latency,
    encoder: encoders[i] as VariantLatency,
    soundPerSecond: (1000 * sound) / latency.totalMs,
  }))
}
