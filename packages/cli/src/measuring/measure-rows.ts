import type { Outcome } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import type { SpeechDecoder } from '@tp/data'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import type { TaskInputs } from '../model/open-task-inputs.ts'
import { originalName } from '../pruning/made-from.ts'
import { evaluateSession, evaluateVariant } from './evaluate-variant.ts'
import { evaluation, timing } from './expected-stages.ts'
import type { Judge } from './judge.ts'
import { judging } from './judge-of-task.ts'
import type { ResultRow } from './rows.ts'
import { TIMING_MS, type Times, timeInTurns } from './time-in-turns.ts'
import type { PrunedVariant } from './variants.ts'

interface RowsToMeasure {
  readonly file: ModelFile
  /** Of a model that is pruned. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly PrunedVariant[]
  readonly data: TaskInputs
  readonly batchSize: number
}

/** The rows of `tp eval`: the original file, then its variants. First answers, one row after another; then times, alternately. */
export async function measureRows(measured: RowsToMeasure, context: Context): Promise<ResultRow[]> {
  return await judging(measured.data, context, (judge, decoder) => rowsOf(judge, measured, context, decoder))
}

async function rowsOf<O extends Outcome>(
  judge: Judge<O>,
  measured: RowsToMeasure,
  context: Context,
  decoder?: SpeechDecoder,
): Promise<ResultRow[]> {
  const { file, inspection, variants, batchSize, data } = measured
  const { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS } = context
  const task = { file, judge, inputs: data.inputs, batchSize, signal, progress, runtime }
  const original = originalName(file)
  const examples = data.inputs.targets.length
  progress.expect?.([
    evaluation(examples),
    ...(inspection ? variants : []).map(({ models }) => evaluation(models.length * examples)),
    timing(examples, decoder === undefined ? timingMs : 2 * timingMs),
  ])
  progress.stage(`evaluating ${original}`)
  const dense = await evaluateSession(await runtime.load(file.path, { threads: 1, signal }), task)
  const whole = { kept: 1, keptByLayer: undefined, flops: 1, endToEnd: dense.latency }
  const rows: Omit<ResultRow, keyof Times>[] = [
    { method: original, keep: '', seeds: 1, answers: judge.dense(dense), ...whole },
  ]
  for (const variant of inspection ? variants : []) {
    const { method, keep, models } = variant
    const name = [method, keep].join(' ').trim()
    progress.stage(`evaluating ${name}`)
    const figures = await evaluateVariant(variant, task, inspection as Inspection, dense)
    rows.push({ method, keep, seeds: models.length, ...figures })
  }
  const times = await timeVariants(measured, context, decoder)
  return rows.flatMap((row, i) => {
    const own = times[i]
    if (own === undefined) return []
    // Where a decoder follows, what a user waits for is it as well.
    const { p50Ms: p50, p90Ms: p90 } = own.latency
    return [{ ...row, ...own, ...(own.encoder && { endToEnd: { p50, p90 } }) }]
  })
}

async function timeVariants(
  { file, variants, data, batchSize }: RowsToMeasure,
  context: Context,
  decoder: SpeechDecoder | undefined,
): Promise<Times[]> {
  const { progress, signal, runtime = nodeRuntime() } = context
  progress.stage('timing')
  const sessions: Session[] = []
  try {
    sessions.push(await runtime.load(file.path, { threads: 1, signal }))
    for (const { plain } of variants)
      sessions.push(await loadSession(plain.model, file, { runtime, threads: 1, signal }))
    return await timeInTurns(sessions, { data, batchSize, decoder }, context)
  } finally {
    for (const session of sessions) await session.dispose()
  }
}
