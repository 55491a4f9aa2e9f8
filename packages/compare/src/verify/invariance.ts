import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { type Answer, answersAlone, farthest, ownDistances } from './answers.ts'
import { largestDifference } from './differences.ts'
import { roundingBeyond, roundingOf } from './rounding.ts'
import { withTokenRows } from './token-rows.ts'
import { type Arrangement, arrangements } from './trials.ts'

/** For each arrangement how many examples get the answers that they get alone; without those in which the dense model's own differ. */
export type Invariance = Partial<Record<Exclude<Arrangement, 'alone'>, number>>

export interface InvarianceOptions {
  /** Of the model that was pruned, to the same examples. */
  readonly dense: readonly Answer[]
  /** The model that was pruned. */
  readonly source: Model
  /** The culprit to name where answers depend on the batch. */
  readonly where: string
}

/**
 * Requires that a pruned model gives an example the same answer alone, in a batch, and padded on either side; of outputs with a row for each kept
 * token, which longer examples of a batch lengthen, the rows that `tp.mask` shows. With traced scores (`trace: 'scores'`) a dependence shows even where it does not change
 * the selection. One example that differs may be rounding that decided a near tie; several mean a method that reads other examples, or padding.
 * @returns how many examples were compared; undefined if the dense model's own answers depend on all of this (for example by dynamic
 * quantization)
 * @throws TpError TP_VERIFY
 */
export function requireInvariance(
  answers: readonly Answer[],
  { dense, source, where }: InvarianceOptions,
): Invariance | undefined {
  const own = ownDistances(dense, largestDifference)
  const compared = batched.filter((each) => (own.get(each) ?? Number.POSITIVE_INFINITY) <= roundingOf(source))
  if (compared.length === 0) return undefined
  const tolerance = roundingBeyond(source, Math.max(...compared.map((each) => own.get(each) ?? 0)))
  const found = differencesIn(withTokenRows(answers))
  for (const arrangement of compared) {
    const seen = found.get(arrangement) ?? []
    const wrong = seen.filter((difference) => difference > tolerance)
    if (wrong.length > 1) throw dependent(where, arrangement, wrong, seen.length)
  }
  return Object.fromEntries(compared.map((each) => [each, found.get(each)?.length ?? 0]))
}

const batched = arrangements.filter((each) => each !== 'alone')

function dependent(where: string, arrangement: Arrangement, wrong: readonly number[], count: number): TpError {
  const reason = `${wrong.length} of ${count} examples get other answers ${arrangement} than alone`
  const by = `scores or outputs differ by up to ${Math.max(...wrong).toPrecision(2)}`
  const advice =
    arrangement === 'in a batch'
      ? 'the method may look at one example at a time only'
      : 'the method must ignore padding (attended)'
  return new TpError('TP_VERIFY', where, `${reason} (${by}); ${advice}`)
}

/** For each arrangement and example, the largest difference from the answers of the same model to the example alone. */
function differencesIn(answers: readonly Answer[]): Map<Arrangement, number[]> {
  const alone = answersAlone(answers)
  const found = new Map<Arrangement, number[]>()
  for (const { arrangement, example, outputs } of answers) {
    const own = alone.get(example)
    if (own === undefined) continue
    found.set(arrangement, [...(found.get(arrangement) ?? []), differenceOf(outputs, own)])
  }
  return found
}

function differenceOf(outputs: NamedTensors, own: NamedTensors): number {
  const first = firstScores(Object.keys(own))
  const others = farthest(outputs, own, largestDifference, (name) => !name.startsWith('tp.')).distance
  const scores = first === undefined ? 0 : scoreDifference(outputs[first] as TensorLike, own[first] as TensorLike)
  return Math.max(others, scores)
}

/** The scores of the first cut: downstream of it the tokens may differ. */
function firstScores(outputs: readonly string[]): string | undefined {
  const layer = (name: string): number => Number(/(\d+)\.scores$/.exec(name)?.[1])
  const [first] = outputs
    .filter((name) => name.startsWith('tp.trace.') && name.endsWith('.scores'))
    .sort((a, b) => layer(a) - layer(b))
  return first
}

/** Largest difference of the scores of an example's tokens [1,N], relative to the largest of them. */
function scoreDifference({ data: other }: TensorLike, { data: own }: TensorLike): number {
  const numbers = Array.from(own as ArrayLike<number>, Number)
  const largest = Math.max(...numbers.map(Math.abs))
  const differences = numbers.map((score, i) => Math.abs(score - Number(other[i])) / largest)
  // A score that is not a number ranks last, wherever the example is.
  return Math.max(0, ...differences.filter((difference) => !Number.isNaN(difference)))
}
