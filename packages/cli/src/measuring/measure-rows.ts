import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import {
  type Embeddings,
  type FlipAnalysis,
  type Outcome,
  openSpeechDecoder,
  type SpeechDecoder,
  withDecoder,
} from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { comparePaired, type VariantLatency } from '@tp/eval/metrics'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import type { EmbeddingInputs, SpeechTask, TaskInputs } from '../model/open-task-inputs.ts'
import { evaluateSession, evaluateVariant } from './evaluate-variant.ts'
import { type FlipsAsked, flipFinder } from './find-flips.ts'
import type { Judge } from './judge.ts'
import { asrJudge } from './judge-asr.ts'
import { classJudge } from './judge-classes.ts'
import { embeddingJudge } from './judge-embeddings.ts'
import { pairJudge } from './judge-pairs.ts'
import { rankingJudge } from './judge-ranking.ts'
import { retrievalJudge } from './judge-retrieval.ts'
import { tokenJudge } from './judge-tokens.ts'
import type { ResultRow } from './rows.ts'
import { spreadByLength } from './timed-examples.ts'
import type { PrunedVariant } from './variants.ts'

/** Enough lengths to represent all, few enough to time often. */
export const TIMED_EXAMPLES = 16
/** The same of recordings, which take longer. */
const TIMED_RECORDINGS = 8
/** Milliseconds in which models are timed against each other. */
export const TIMING_MS = 20_000

interface RowsToMeasure {
  readonly file: ModelFile
  /** Of a model that is pruned. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly PrunedVariant[]
  readonly data: TaskInputs
  readonly batchSize: number
  /** Whether to find the tokens that changed answers; only for classes. */
  readonly flips: FlipsAsked | undefined
}

/** The rows of `tp eval`: the original file, then its variants. First answers, one row after another; then times, alternately. */
export async function measureRows(measured: RowsToMeasure, context: Context): Promise<ResultRow[]> {
  const { data, file, inspection, batchSize, flips } = measured
  switch (data.task) {
    case 'tokens':
      return rowsOf(tokenJudge(data.inputs, data.labels), measured, context)
    case 'embeddings':
      return rowsOf(embeddingJudgeOf(data), measured, context)
    case 'ranking':
      return rowsOf(rankingJudge(data.inputs), measured, context)
    case 'asr':
      return speechRows(data, measured, context)
    default: {
      const { inputs } = data
      const judge = classJudge(inputs)
      if (flips === undefined || inspection === undefined) return rowsOf(judge, measured, context)
      await using finder = await flipFinder({ ...flips, file, inspection, inputs, batchSize }, context)
      return await rowsOf(judge, measured, context, (...about) => finder.find(...about))
    }
  }
}

/** By relevance judgements or scores of people where the data have them, else by comparison with the dense vectors. */
function embeddingJudgeOf({ inputs, judged, byToken = false }: EmbeddingInputs): Judge<Embeddings> {
  if (judged === undefined) return embeddingJudge(inputs)
  return 'relevant' in judged ? retrievalJudge(inputs, judged, byToken) : pairJudge(inputs, judged)
}

/** A decoder follows the encoder, and is the same in all rows. */
async function speechRows(
  { inputs, decoder: path }: SpeechTask,
  measured: RowsToMeasure,
  context: Context,
): Promise<ResultRow[]> {
  const { signal, runtime = nodeRuntime() } = context
  await using session = await runtime.load(path, { threads: 1, signal })
  const decoder = await openSpeechDecoder(session, path)
  return await rowsOf(asrJudge(inputs, decoder), measured, context, undefined, decoder)
}

type FindFlips<O> = (variant: PrunedVariant, outcome: O, dense: O) => Promise<FlipAnalysis | undefined>

async function rowsOf<O extends Outcome>(
  judge: Judge<O>,
  measured: RowsToMeasure,
  context: Context,
  ask?: FindFlips<O>,
  decoder?: SpeechDecoder,
): Promise<ResultRow[]> {
  const { file, inspection, variants, batchSize, data } = measured
  const { progress, signal, runtime = nodeRuntime() } = context
  const task = { file, judge, inputs: data.inputs, batchSize, signal, progress, runtime }
  progress.stage('evaluating dense')
  const dense = await evaluateSession(await runtime.load(file.path, { threads: 1, signal }), task)
  const whole = { kept: 1, keptByLayer: undefined, flops: 1, endToEnd: dense.latency }
  const rows: Omit<ResultRow, keyof Times>[] = [
    { method: 'dense', keep: '', seeds: 1, answers: judge.dense(dense), ...whole, flips: undefined },
  ]
  for (const variant of inspection ? variants : []) {
    const { method, keep, models } = variant
    const name = [method, keep].join(' ').trim()
    progress.stage(`evaluating ${name}`)
    const { figures, outcome } = await evaluateVariant(variant, task, inspection as Inspection, dense)
    if (ask !== undefined && keep !== '') progress.stage(`finding the tokens that changed answers of ${name}`)
    rows.push({ method, keep, seeds: models.length, ...figures, flips: await ask?.(variant, outcome, dense) })
  }
  const times = await timeVariants(measured, context, decoder)
  return rows.flatMap((row, i) => {
    const own = times[i]
    return own === undefined ? [] : [{ ...row, ...own }]
  })
}

type Times = Pick<ResultRow, 'latency' | 'encoder' | 'soundPerSecond'>

async function timeVariants(
  { file, variants, data, batchSize }: RowsToMeasure,
  { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS }: Context,
  decoder: SpeechDecoder | undefined,
): Promise<Times[]> {
  progress.stage('timing')
  const sessions: Record<string, Session> = {}
  try {
    sessions['0'] = await runtime.load(file.path, { threads: 1, signal })
    for (const [i, { models }] of variants.entries()) {
      const [model] = models
      if (model) sessions[`${i + 1}`] = await loadSession(model.plain.model, file, { runtime, threads: 1, signal })
    }
    const inputs: ModelInputs = data.inputs
    const examples = spreadByLength(inputs, decoder ? TIMED_RECORDINGS : TIMED_EXAMPLES, batchSize)
    const feeds = await Promise.all(examples.map((positions) => inputs.feeds(positions)))
    const timed = async (those: Readonly<Record<string, Session>>): Promise<VariantLatency[]> => {
      const { variants: latencies } = await comparePaired(those, feeds, {
        budgetMs: timingMs,
        signal,
        onProgress: (done, rounds) => progress.step(done, rounds),
      })
      return Object.keys(those).flatMap((key) => latencies[key] ?? [])
    }
    const encoders = await timed(sessions)
    if (decoder === undefined || data.task !== 'asr') return encoders.map((latency) => ({ latency }))
    const whole = Object.entries(sessions).map(([key, session]) => [key, withDecoder(session, decoder)] as const)
    const seconds = await Promise.all(examples.flat().map((position) => data.inputs.seconds(position)))
    const sound = seconds.reduce((sum, own) => sum + own, 0)
    const totals = await timed(Object.fromEntries(whole))
    return totals.map((latency, i) => ({
      latency,
      encoder: encoders[i] as VariantLatency,
      soundPerSecond: (1000 * sound) / latency.totalMs,
    }))
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}
