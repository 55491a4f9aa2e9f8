import type { AbortSignalLike, Session } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import { withDecoder } from '../answers/transcribe.ts'
import { spreadByLength } from '../times/spread-by-length.ts'
import { timeInTurns, type VariantLatency } from '../times/time-in-turns.ts'

/** Enough lengths to represent all, few enough to time often. */
export const TIMED_EXAMPLES = 16
/** The same of recordings, which take longer. */
const TIMED_RECORDINGS = 8
/** Milliseconds in which models are timed against each other. */
export const TIMING_MS = 20_000

/** How fast a model is, compared with the first one. */
export interface Times {
  /** For a run of the model; where a decoder follows, for both together. */
  readonly latency: VariantLatency
  /** Of the encoder alone, where a decoder follows. */
  readonly encoder?: VariantLatency
  /** Seconds of sound that are written down in one second. */
  readonly soundPerSecond?: number
}

export interface TimingOptions {
  readonly batchSize: number
  /** Milliseconds, about, for all models; where a decoder follows twice as many. Default 20,000. */
  readonly timingMs?: number | undefined
  /** Examples of all lengths. Default 16, of recordings 8. */
  readonly timedExamples?: number | undefined
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Times models in turns on examples of all lengths, the first one's times being those that the others are compared with.
 * @throws TpError TP_ABORTED, and whatever the sessions throw
 */
export async function timeOnData(
  sessions: readonly Session[],
  data: TaskData,
  { batchSize, timingMs = TIMING_MS, timedExamples, signal, onProgress }: TimingOptions,
): Promise<Times[]> {
  const { inputs } = data
  const count = timedExamples ?? (data.task === 'asr' ? TIMED_RECORDINGS : TIMED_EXAMPLES)
  const examples = spreadByLength(inputs, count, batchSize)
  const feeds = await Promise.all(examples.map((positions) => inputs.feeds(positions)))
  const options = { budgetMs: timingMs, signal, onProgress }
  const { latencies: encoders } = await timeInTurns(sessions, feeds, options)
  if (data.task !== 'asr') return encoders.map((latency) => ({ latency }))
  const seconds = await Promise.all(examples.flat().map((position) => data.inputs.seconds(position)))
  const sound = seconds.reduce((sum, own) => sum + own, 0)
  const languages = new Map(feeds.map((own, i) => [own, data.inputs.languages?.[examples[i]?.[0] ?? 0]]))
  const [first] = sessions
  const whole = sessions.map((session) => {
    const dense = first === undefined || session === first ? undefined : async () => first
    return withDecoder(session, data.decoder, { languages, dense })
  })
  const { latencies } = await timeInTurns(whole, feeds, options)
  return latencies.map((latency, i) => ({
    latency,
    encoder: encoders[i] as VariantLatency,
    soundPerSecond: (1000 * sound) / latency.totalMs,
  }))
}
