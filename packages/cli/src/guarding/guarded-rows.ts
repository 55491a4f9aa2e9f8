import { hasRegimes } from '@tp/compiler'
import { TpError } from '@tp/core'
import { compareToDense, type DenseComparison, type Evaluation } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { comparePaired, type VariantLatency } from '@tp/eval/metrics'
import { type Alarm, type Cascade, cascade, type Guard, type Monitor, monitor, readGuard } from '@tp/guard'
import { nodeRuntime } from '@tp/runtime-node'
import type { TunedPlan } from '@tp/tune'
import type { Context } from '../command/context.ts'
import { LARGEST_JSON, readInputText } from '../files/read-input.ts'
import { evaluateSession } from '../measuring/evaluate-variant.ts'
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

/** What guards a pruned model: of a guard file all, of a plan that was tuned the cascade. */
export type Guarding = Pick<Guard, 'models'> & {
  readonly cascade: Pick<Guard['cascade'], 'threshold' | 'uncertainty'>
  readonly monitor?: Guard['monitor']
}

/** @throws TpError TP_GUARD for a file that is no guard, or one of other models; TP_PLAN for a plan without a cascade; TP_FILE_NOT_FOUND */
export async function readGuardFile(path: string, pruned: ModelFile, dense: ModelFile): Promise<Guarding> {
  const text = await readInputText(path, {
    code: 'TP_FILE_NOT_FOUND',
    advice: 'give what tp calibrate or tp tune --cascade has written',
    most: LARGEST_JSON,
  })
  const content = parsed(text)
  const guard: Guarding = hasRegimes(content) ? cascadeOfPlan(content, path) : readGuard(content, path)
  const { models } = guard
  const other = [pruned, dense].find((file, i) => models && [models.pruned, models.dense][i] !== file.hash())
  if (other === undefined) return guard
  const advice = 'what it promises holds for those files only; calibrate it for these'
  throw new TpError('TP_GUARD', path, `it was calibrated for another file than ${other.path}; ${advice}`)
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
  progress.stage('evaluating dense')
  const all = await evaluateSession(await load(dense), { ...task, file: dense })
  progress.stage('evaluating pruned')
  const few = await evaluateSession(await load(pruned), { ...task, file: pruned })
  progress.stage('evaluating guarded')
  const { watched, guarded } = await openGuarded()
  const kept = await evaluateSession(guarded, { ...task, file: pruned })
  const { inputs: count, dense: fallbacks } = guarded.statistics()

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
  return { rows, fallbacks: fallbacks / count, ...(watched && { alarms: watched.statistics().alarms }) }
}

/** Parsed JSON; other text unchanged, which `readGuard` refuses. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Of a plan that was tuned as a cascade, what `tp eval` needs. */
function cascadeOfPlan(plan: unknown, path: string): Guarding {
  const { cascade } = plan as Partial<Pick<TunedPlan, 'cascade'>>
  const { uncertainty, threshold } = cascade ?? {}
  const isThreshold = typeof threshold === 'number' && threshold >= 0 && threshold <= 1
  if (cascade !== undefined && uncertainty === 'probability' && isThreshold) return { cascade }
  throw new TpError('TP_PLAN', path, 'this plan has no cascade; tp tune --cascade writes one')
}
