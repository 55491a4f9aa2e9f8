import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { Interval } from '@tp/metrics'
import { accuracyInterval, accuracyLoss, mean } from '@tp/metrics'
import { evaluate } from '../evaluation/evaluate.ts'
import type { EvaluateOptions, Progress } from '../evaluation/run-examples.ts'
import type { Evaluation } from '../tasks/outcome.ts'
import { classification } from '../tasks/right-answers.ts'
import { extraLoss } from './extra-loss.ts'
import type { ShiftedSet } from './shifted-sets.ts'

/**
 * Runs a model on all sets; sets with the same inputs as the first reuse its answers. onProgress counts the
 * examples of all that are run.
 * @throws what {@link evaluate} throws
 */
export async function evaluateOnShifts(
  session: Session,
  sets: readonly ShiftedSet[],
  options: EvaluateOptions = {},
): Promise<Evaluation[]> {
  const known = (i: number): boolean => i > 0 && (sets[i] as ShiftedSet).sameInputs
  const total = sets.reduce((sum, { inputs }, i) => (known(i) ? sum : sum + inputs.targets.length), 0)
  const evaluations: Evaluation[] = []
  let before = 0
  for (const [i, { inputs, examples }] of sets.entries()) {
    if (known(i) && examples !== undefined) {
      evaluations.push(answersOf(evaluations[0] as Evaluation, examples))
      continue
    }
    const onProgress = ({ done }: Progress): void => options.onProgress?.({ done: before + done, total })
    evaluations.push(await evaluate(session, inputs, { ...options, onProgress }))
    before += inputs.targets.length
  }
  return evaluations
}

/** What was answered to some of the examples, or to all of them. */
function answersOf(evaluation: Evaluation, examples: readonly number[]): Evaluation {
  const { predictions, correct, classes, logits } = evaluation
  if (examples.length === correct.length) return evaluation
  return {
    ...classification(examples.map((i) => correct[i] as boolean)),
    predictions: examples.map((i) => predictions[i] as number),
    classes,
    logits: Float32Array.from(examples.flatMap((i) => [...logits.subarray(i * classes, (i + 1) * classes)])),
    // Counted over all examples only.
    kept: undefined,
    latency: undefined,
  }
}

/** What pruning costs on one set, and how much more that is than in distribution. */
export interface ShiftFigures {
  readonly name: string
  readonly examples: number
  /** Whether nothing has changed at all: an uncased tokenizer does not see capitals. */
  readonly unchanged: boolean
  /** Percent right, with 95 % interval. */
  readonly dense: Interval
  readonly pruned: Interval
  /** Points of accuracy that pruning costs, paired by example. */
  readonly loss: Interval
  /** That loss less the one in distribution, in points; see {@link extraLoss}. */
  readonly extraLoss: Interval
  /** Percent of the examples with the dense model's answer, right or wrong: it falls where dense fails, too. */
  readonly agreement: number
  /** Mean over layers of the kept tokens, if the pruned model has traces and `layers` was given. */
  readonly kept: number | undefined
}

const NONE: Interval = { estimate: 0, low: 0, high: 0 }

/**
 * Compares a pruned model with the dense one on each set.
 * @param sets in distribution first
 * @param dense its evaluations, by set
 * @param pruned those of the pruned model; several where chance chooses the tokens, one a seed: figures are means
 * @throws TpError TP_OPTION if they are not of these sets
 */
export function compareOnShifts(
  sets: readonly Pick<ShiftedSet, 'name' | 'examples' | 'sameInputs'>[],
  dense: readonly Evaluation[],
  pruned: readonly (readonly Evaluation[])[],
): ShiftFigures[] {
  if (pruned.length === 0) throw new TpError('TP_OPTION', 'data', 'there is no pruned model to compare')
  const right = [dense, ...pruned].map((evaluations) =>
    sets.map(({ name }, i) => {
      const [own, reference] = [evaluations[i], dense[i]]
      if (own !== undefined && own.correct.length === reference?.correct.length) return own.correct.map(Number)
      throw new TpError('TP_OPTION', 'data', `${name}: dense and pruned were not evaluated on the same examples`)
    }),
  )
  const [denseRight, ...prunedRight] = right as [number[][], ...number[][][]]
  const shares = sets.map((_, i) =>
    (denseRight[i] as number[]).map((_, example) => mean(prunedRight.map((seed) => seed[i]?.[example] as number))),
  )
  const losses = sets.map((_, i) =>
    (denseRight[i] as number[]).map((share, example) => 100 * (share - (shares[i]?.[example] as number))),
  )
  return sets.map(({ name, examples, sameInputs }, i) => {
    const kept = pruned.flatMap((evaluations) => evaluations[i]?.kept?.mean ?? [])
    const answers = (dense[i] as Evaluation).predictions
    const agreeing = (evaluations: readonly Evaluation[]): number =>
      mean(answers.map((answer, example) => 100 * Number(answer === evaluations[i]?.predictions[example])))
    return {
      name,
      examples: (losses[i] as number[]).length,
      unchanged: i > 0 && sameInputs && examples?.length === losses[0]?.length,
      dense: accuracyInterval(denseRight[i] as number[]),
      pruned: accuracyInterval(shares[i] as number[]),
      loss: accuracyLoss(denseRight[i] as number[], shares[i] as number[]),
      // A set compared with itself needs no estimate.
      extraLoss: i === 0 ? NONE : extraLoss(losses[i] as number[], losses[0] as number[], examples),
      agreement: mean(pruned.map(agreeing)),
      kept: kept.length === 0 ? undefined : mean(kept),
    }
  })
}
