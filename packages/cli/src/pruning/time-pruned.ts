import { isText, sampleInputs, speedUpText, timeInTurns, type WantedSizes, withSessions } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { readModelFolder } from '@tp/data'
import type { VariantLatency } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import { loadSession } from '../model/load-session.ts'

/** How fast models that were made from a file are, compared with it. */
export interface MeasuredSpeed {
  /** Tokens of the text that was run; absent for images and sounds. */
  readonly tokens?: number
  /** By the order of the models. */
  readonly speedups: readonly VariantLatency['speedup'][]
}

const TIMING_MS = 3000

/** Tokens of the texts that are timed: fewer where the model takes no more. */
const LENGTHS = [128, 32, 8] as const

/** Times models and the file that they were made from in turns, on one input of random content and one thread. */
export async function timePruned(
  file: ModelFile,
  inspection: Inspection,
  models: readonly Model[],
  { progress, signal, timingMs = TIMING_MS }: Pick<Context, 'progress' | 'signal' | 'timingMs'>,
): Promise<MeasuredSpeed> {
  progress.stage('timing')
  const options = { threads: 1, signal }
  const open = [
    () => nodeRuntime().load(file.path, options),
    ...models.map((model) => () => loadSession(model, file, options)),
  ]
  return await withSessions(open, async (sessions) => {
    const { tokens, ...sizes } = await largestThatRuns(file, inspection, sessions[0] as Session)
    const inputs = sampleInputs(file.model, inspection, { tokens, ...sizes })
    const { latencies } = await timeInTurns(sessions, [inputs], { rounds: 200, budgetMs: timingMs, signal })
    const speedups = latencies.slice(1).map(({ speedup }) => speedup)
    return { ...(tokens !== undefined && { tokens }), speedups }
  })
}

/** A table of positions may be shorter than the file says. */
async function largestThatRuns(file: ModelFile, inspection: Inspection, dense: Session): Promise<WantedSizes> {
  const batch = typeof inspection.batch === 'number' ? inspection.batch : 1
  if (!isText(inspection)) return { batch }
  const { maxTokens = LENGTHS[0] } = await readModelFolder(file.path)
  const lengths = LENGTHS.filter((length, i) => length <= maxTokens || i === LENGTHS.length - 1)
  for (const tokens of lengths.slice(0, -1)) {
    try {
      await dense.run(sampleInputs(file.model, inspection, { batch, tokens }))
      return { batch, tokens }
    } catch (error) {
      if (isTpError(error) && error.code === 'TP_ABORTED') throw error
    }
  }
  return { batch, tokens: lengths.at(-1) as number }
}

/** `1.64× (1.60 … 1.70) as fast as dense at 128 tokens, one thread` */
export function speedText(speedup: VariantLatency['speedup'], { tokens }: Pick<MeasuredSpeed, 'tokens'>): string {
  const at = tokens === undefined ? '' : ` at ${tokens} tokens`
  return `${speedUpText(speedup)} as fast as dense${at}, one thread`
}
