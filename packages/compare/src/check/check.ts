import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import type { AbortSignalLike, Runtime, Session } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { declaredOutputs, taskOf } from '@tp/data/outputs'
import { Graph } from '@tp/onnx'
import type { Outcome } from '../answers/outcome.ts'
import { inputRoles } from '../inputs/input-shapes.ts'
import type { ComparedAnswers, ComparedLoss } from '../tasks/comparer.ts'
import { comparerOf } from '../tasks/comparer-of.ts'
import { type Times, type TimingOptions, timeOnData } from '../tasks/time-on-data.ts'
import { withSessions } from '../times/time-in-turns.ts'
import { type Loadable, loadModel, modelOf, requireComparable } from '../verify/load-model.ts'
import { otherExamples } from './other-examples.ts'
import { type Demands, type Verdict, verdictOf } from './verdict.ts'

export interface CheckOptions extends Partial<Demands>, Pick<TimingOptions, 'timingMs' | 'timedExamples'> {
  readonly runtime: Pick<Runtime, 'load'>
  /** Examples that nothing was tuned or trained on. Inputs alone are of the task that the dense model's outputs look like. */
  readonly data: TaskData | ModelInputs
  readonly signal?: AbortSignalLike | undefined
  /** Called when the answers of each model begin, and the times of both. */
  readonly onStage?: ((stage: 'dense' | 'pruned' | 'times') => void) | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** The answers of one of two models, and their times. */
export interface CheckedModel extends Times {
  readonly answers: ComparedAnswers
}

export interface Check {
  readonly verdict: Verdict
  readonly loss: ComparedLoss
  /** The examples that the answers are of, … */
  readonly examples: number
  /** … and how many more were left out, or are among them if the verdict says so, since they chose the pruned model's plan. */
  readonly chose: number
  readonly dense: CheckedModel
  readonly pruned: CheckedModel
}

/** Allowed loss in points by default; tuning has the same. */
export const MAX_LOSS = 0.5

/**
 * Says whether a pruned model is faster than the dense one and as accurate, on the same examples: answers of one after the other, then
 * times in turns, on one thread.
 * @throws TpError TP_NOT_ONNX, TP_OPTION for what are not models, a runtime and data; TP_INPUT for models that do not take the same inputs; TP_DATA where the examples say nothing of a loss; TP_ABORTED
 *
 * @example
 * const { verdict } = await check(pruned, dense, { runtime: nodeRuntime(), data: inputs, maxLoss: 1 })
 * console.log(verdict.text) // yes: 1.64× (1.60 … 1.70) as fast as dense, and it loses 0.1 (−0.2 … 0.4) points of accuracy
 */
export async function check(pruned: Loadable, dense: Loadable, options: CheckOptions): Promise<Check> {
  requireComparable([pruned, dense], options)
  if (!isRecord(options.data)) {
    const seen = `data is ${shown(options.data)}`
    throw new TpError('TP_OPTION', 'compare', `${seen}; give examples, as prepareInputs of @tp/data returns them`)
  }
  const { runtime, signal, onStage, onProgress, maxLoss = MAX_LOSS, confident = false, minSpeedup } = options
  requireSameInputs(dense, pruned)
  const { batch } = inputRoles(modelOf(pruned))
  const batchSize = typeof batch === 'number' ? batch : 1
  const all = 'task' in options.data ? options.data : dataOf(options.data, dense)
  const { data, chose, isUnsure, isOfOthers } = await otherExamples(modelOf(pruned), all, batchSize)
  const comparer = comparerOf(data)
  const open = [dense, pruned].map((one) => () => loadModel(one, runtime, { threads: 1, signal }))
  const answersOf = async (stage: 'dense' | 'pruned', session: Session, whole?: Session): Promise<Outcome> => {
    onStage?.(stage)
    return await comparer.run(session, {
      batchSize,
      signal,
      dense: whole && (async () => whole),
      onProgress: ({ done, total }) => onProgress?.(done, total),
    })
  }
  // Both are open before either is evaluated, which a file that the runtime refuses would make in vain.
  const [before, after] = await withSessions(open, async (both) => {
    const [denseSession, prunedSession] = both as [Session, Session]
    return [await answersOf('dense', denseSession), await answersOf('pruned', prunedSession, denseSession)] as const
  })
  const answers = comparer.pruned([after], before)
  const { loss } = answers
  if (loss === undefined) {
    const seen = `${data.inputs.source} has no query with two candidates, so that no order can be lost`
    throw new TpError('TP_DATA', 'compare', `${seen}; give candidates of the same query`)
  }
  if (Number.isNaN(loss.interval.estimate))
    throw new TpError(
      'TP_DATA',
      'compare',
      `${data.inputs.source} has nothing that is judged, so that nothing can be lost`,
    )
  onStage?.('times')
  const { timingMs, timedExamples } = options
  const timing = { batchSize, timingMs, timedExamples, signal, onProgress }
  const [denseTimes, prunedTimes] = (await withSessions(open, (both) => timeOnData(both, data, timing))) as [
    Times,
    Times,
  ]
  const examples = data.inputs.targets.length
  const { speedup } = prunedTimes.latency
  return {
    verdict: verdictOf({ loss, speedup, examples, chose, isUnsure, isOfOthers }, { maxLoss, confident, minSpeedup }),
    ...{ loss, examples, chose },
    dense: { answers: comparer.dense(before), ...denseTimes },
    pruned: { answers, ...prunedTimes },
  }
}

/** Inputs alone: classes, scores or vectors. @throws TpError TP_OPTION for models of other tasks */
function dataOf(inputs: ModelInputs, dense: Loadable): TaskData {
  const task = taskOf(declaredOutputs(modelOf(dense)))
  if (task === 'classification' || task === 'ranking' || task === 'embeddings') return { task, inputs }
  throw new TpError('TP_OPTION', 'compare', `a model of ${task} needs data with their task: { task, inputs, … }`)
}

/** @throws TpError TP_INPUT */
function requireSameInputs(dense: Loadable, pruned: Loadable): void {
  const namesOf = (one: Loadable): string[] => new Graph(modelOf(one)).inputs.map(({ name }) => name).sort()
  const [first, second] = [namesOf(dense), namesOf(pruned)]
  if (`${first}` === `${second}`) return
  const called = (one: Loadable, name: string): string => ('path' in one ? one.path : `the ${name} model`)
  const seen = `${called(dense, 'dense')} takes ${first.join(', ')}, and ${called(pruned, 'pruned')} takes ${second.join(', ')}`
  throw new TpError('TP_INPUT', 'compare', `${seen}; give a file that was made from the other`)
}
