import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core'
import { comparePaired, type ModelInputs } from '@tp/eval'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { denseFigures, evaluateSession, evaluateVariant } from './evaluate-variant.ts'
import type { Row } from './rows.ts'
import { spreadByLength } from './timed-examples.ts'
import type { Variant } from './variants.ts'

/** Enough lengths to stand for all, few enough to be timed often. */
export const TIMED_EXAMPLES = 16
const TIMING_MS = 20_000

interface Measured {
  readonly file: ModelFile
  /** Of a model that is pruned. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly Variant[]
  readonly inputs: ModelInputs
  readonly batchSize: number
}

/** The rows of `tp eval`: the file as it is, then its variants. First what they answer, one by one; then times, in turns. */
export async function measureRows(measured: Measured, context: Context): Promise<Row[]> {
  const { file, inspection, variants, inputs, batchSize } = measured
  const { progress, signal } = context
  const task = { file, inputs, batchSize, signal, progress }
  progress.stage('evaluating dense')
  const dense = await evaluateSession(await nodeRuntime().load(file.path, { threads: 1, signal }), task)
  const figures = [{ method: 'dense', keep: '', seeds: 1, ...denseFigures(dense) }]
  for (const variant of inspection ? variants : []) {
    const { method, keep, models } = variant
    progress.stage(`evaluating ${[method, keep].join(' ').trim()}`)
    const found = await evaluateVariant(variant, task, inspection as Inspection, dense)
    figures.push({ method, keep, seeds: models.length, ...found })
  }
  const latencies = await timeVariants(measured, context)
  return figures.flatMap((row, i) => {
    const latency = latencies[i]
    return latency === undefined ? [] : [{ ...row, latency }]
  })
}

async function timeVariants(
  { file, variants, inputs, batchSize }: Measured,
  { progress, signal }: Context,
): Promise<Row['latency'][]> {
  progress.stage('timing')
  const sessions: Record<string, Session> = {}
  try {
    sessions['0'] = await nodeRuntime().load(file.path, { threads: 1, signal })
    for (const [i, { models }] of variants.entries()) {
      const [model] = models
      if (model) sessions[`${i + 1}`] = await loadSession(model.plain.model, file, { threads: 1, signal })
    }
    const examples = spreadByLength(inputs, TIMED_EXAMPLES, batchSize)
    const feeds = await Promise.all(examples.map((positions) => inputs.feeds(positions)))
    const { variants: latencies } = await comparePaired(sessions, feeds, {
      budgetMs: TIMING_MS,
      signal,
      onProgress: (done, rounds) => progress.step(done, rounds),
    })
    return Object.keys(sessions).flatMap((key) => latencies[key] ?? [])
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}
