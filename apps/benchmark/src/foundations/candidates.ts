import type { Method } from '@tp/core'
import { compareToDense, type Evaluation } from '@tp/eval'
import { divergences, type Interval } from '@tp/eval/metrics'
import { mean } from 'simple-statistics'
import { type Budget, scheduleOf } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { dense, pruned, totalFlops } from '../measure/variant.ts'
import type { Context } from '../report/section.ts'
import type { Setting } from './minilm.ts'

/** A setting with what it does on examples that nothing is reported on. */
export interface Candidate extends Setting {
  readonly loss: Interval
  /** From dense, mean, in nats. */
  readonly divergence: number
  /** Multiply-adds of dense over its own. */
  readonly flops: number
}

/** Each setting on all examples of a subject, beside dense. */
export async function measureCandidates(
  { runtime, onProgress }: Context,
  subject: Subject,
  settings: readonly { readonly method: Method; readonly budget: Budget }[],
): Promise<{ readonly reference: Evaluation; readonly candidates: readonly Candidate[] }> {
  const variantOf = ({ method, budget }: (typeof settings)[number]) =>
    pruned(subject, method, scheduleOf(subject, budget))
  const files = [() => dense(subject).file, ...settings.map((setting) => () => variantOf(setting).file)]
  let done = 0
  const [reference, ...others] = (await inParallel(
    files.map((file) => async () => {
      const evaluation = await evaluateFile(runtime, file(), subject.inputs)
      done += 1
      onProgress(`${done} of ${files.length} evaluated`)
      return evaluation
    }),
  )) as [Evaluation, ...Evaluation[]]
  const denseFlops = totalFlops(subject.model, subject.lengths)
  const candidates = settings.map((setting, i): Candidate => {
    const other = others[i] as Evaluation
    const { loss } = compareToDense(other, reference)
    const flops = denseFlops / totalFlops(variantOf(setting).model, subject.lengths)
    const { method, budget } = setting
    return { method: method.name, budget, loss, divergence: mean(divergences(reference, other)), flops }
  })
  return { reference, candidates }
}

/** Losses are too few to choose by; how far the probabilities move tells more. */
export function nearestToDense(candidates: readonly Candidate[]): Candidate {
  return candidates.reduce((a, b) => (b.divergence < a.divergence ? b : a))
}
