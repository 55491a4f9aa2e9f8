import { compareToDense, type DenseComparison, type Evaluation } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { type Alarm, type Cascade, cascade, type Monitor, monitor } from '@tp/guard'
import { comparePaired, type VariantLatency } from '@tp/metrics'
import { type Guarding, type HashedFile, readGuarding } from '@tp/plans'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import { LARGEST_JSON, readInputText } from '../files/read-input.ts'
import { evaluateSession } from '../measuring/evaluate-variant.ts'
import { evaluation, timing } from '../measuring/expected-stages.ts'
import { classJudge } from '../measuring/judge-classes.ts'
import { TIMED_EXAMPLES, TIMING_MS } from '../measuring/time-in-turns.ts'
import { spreadByLength } from '../measuring/timed-examples.ts'
import type { ModelFile } from '../model/model-file.ts'

/** One way to answer, compared with the dense model. */
interface GuardedRow extends DenseComparison {
  readonly model: 'dense' | 'pruned' | 'guarded'
  readonly accuracy: Evaluation['accuracy']
  readonly latency: VariantLatency
}

export interface GuardedFigures {
  readonly rows: readonly GuardedRow[]
  /** Share of the inputs that fell back to the dense model. */
  readonly fallbacks: number
  /** Only with a monitor. */
  readonly alarms?: readonly Alarm[]
}

/** @throws TpError TP_GUARD for a file that is no guard, or one of other models; TP_PLAN for a plan without a cascade; TP_FILE_NOT_FOUND */
export async function readGuardFile(path: string, pruned: ModelFile, dense: ModelFile): Promise<Guarding> {
  const text = await readInputText(path, {
    code: 'TP_FILE_NOT_FOUND',
    advice: 'give what tp calibrate or tp tune --cascade has written',
    most: LARGEST_JSON,
  })
  const hashed = ({ path: own, hash }: ModelFile): HashedFile => ({ path: own, hash: hash() })
  return readGuarding(text, path, { pruned: hashed(pruned), dense: hashed(dense) })
}

/** The dense model, the pruned one, and both with what a guard says; examples one by one, in their order. */
export async function measureGuarded(
  {
    pruned,
    dense,
    guard,
    inputs,
    batchSize,
  }: {
    readonly pruned: ModelFile
    readonly dense: ModelFile
    readonly guard: Guarding
    readonly inputs: ModelInputs
    readonly batchSize: number
  },
  { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS, timedExamples = TIMED_EXAMPLES }: Context,
): Promise<GuardedFigures> {
  const load = (file: ModelFile) => runtime.load(file.path, { threads: 1, signal })
  const openGuarded = async (): Promise<{ readonly watched?: Monitor; readonly guarded: Cascade }> => {
    const own = await load(pruned)
    const watched = guard.monitor && monitor(own, guard.monitor)
    const guarded = cascade({ ...guard.cascade, pruned: watched ?? own, dense: await load(dense) })
    return { guarded, ...(watched && { watched }) }
  }
  const task = { judge: classJudge(inputs), inputs, batchSize, signal, progress }
  const count = inputs.targets.length
  progress.expect?.([...[count, count, count].map(evaluation), timing(count, timingMs)])
  progress.stage('evaluating dense')
  const all = await evaluateSession(await load(dense), { ...task, file: dense })
  progress.stage('evaluating pruned')
  const few = await evaluateSession(await load(pruned), { ...task, file: pruned })
  progress.stage('evaluating guarded')
  const { watched, guarded } = await openGuarded()
  const kept = await evaluateSession(guarded, { ...task, file: pruned })
  const { inputs: asked, dense: fallbacks } = guarded.statistics()

  progress.stage('timing')
  await using first = await load(dense)
  await using second = await load(pruned)
  await using third = (await openGuarded()).guarded
  const examples = spreadByLength(inputs, timedExamples, batchSize)
  const feeds = await Promise.all(examples.map((positions) => inputs.feeds(positions)))
  const { variants } = await comparePaired({ dense: first, pruned: second, guarded: third }, feeds, {
    budgetMs: timingMs,
    signal,
    onProgress: (done, rounds) => progress.step(done, rounds),
  })
  const rows = Object.entries({ dense: all, pruned: few, guarded: kept }).map(([model, evaluation]) => ({
    model: model as GuardedRow['model'],
    accuracy: evaluation.accuracy,
    ...compareToDense(evaluation, all),
    latency: variants[model] as VariantLatency,
  }))
  return { rows, fallbacks: fallbacks / asked, ...(watched && { alarms: watched.statistics().alarms }) }
}
