import type { VariantLatency } from '@tp/compare'
import { type InputSizes, isText, sampleInputs, timeInTurns, withSessions } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'

/** How fast models that were made from one are, compared with it. */
export interface MeasuredSpeeds {
  /** Tokens of the text that was run; absent for images and sounds. */
  readonly tokens?: number
  /** By the order of the models. */
  readonly speedups: readonly VariantLatency['speedup'][]
}

export interface SpeedOptions {
  readonly inspection: Inspection
  /** Opens a model on one thread; the dense one is the very model. */
  readonly load: (model: Model) => Promise<Session>
  /** The most tokens that the model takes. */
  readonly maxTokens?: number | undefined
  /** How long all are timed; default 3 s. */
  readonly timingMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const TIMING_MS = 3000

/** Tokens of the texts that are timed: fewer where the model takes no more. */
const LENGTHS = [128, 32, 8] as const

/** Times models and the one that they were made from in turns, on one input of random content. */
export async function speedsOf(
  dense: Model,
  models: readonly Model[],
  { inspection, load, maxTokens = LENGTHS[0], timingMs = TIMING_MS, signal }: SpeedOptions,
): Promise<MeasuredSpeeds> {
  const open = [dense, ...models].map((model) => () => load(model))
  return await withSessions(open, async (sessions) => {
    const { tokens, batch } = await largestThatRuns(dense, inspection, maxTokens, sessions[0] as Session)
    const inputs = sampleInputs(dense, inspection, { batch, tokens })
    const budget = { rounds: 200, budgetMs: timingMs, ...(signal && { signal }) }
    const { latencies } = await timeInTurns(sessions, [inputs], budget)
    const speedups = latencies.slice(1).map(({ speedup }) => speedup)
    return { ...(tokens !== undefined && { tokens }), speedups }
  })
}

/** A table of positions may be shorter than the file says. */
async function largestThatRuns(
  model: Model,
  inspection: Inspection,
  maxTokens: number,
  session: Session,
): Promise<InputSizes> {
  const batch = typeof inspection.batch === 'number' ? inspection.batch : 1
  if (!isText(inspection)) return { batch }
  const lengths = LENGTHS.filter((length, i) => length <= maxTokens || i === LENGTHS.length - 1)
  for (const tokens of lengths.slice(0, -1)) {
    try {
      await session.run(sampleInputs(model, inspection, { batch, tokens }))
      return { batch, tokens }
    } catch (error) {
      if (isTpError(error) && error.code === 'TP_ABORTED') throw error
    }
  }
  return { batch, tokens: lengths.at(-1) as number }
}
