import { TpError } from '@tp/core'
import type { Session, TensorLike } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { type InputRoles, inputRoles } from '../inputs/input-shapes.ts'
import { type Answer, answersTo, distanceOf } from './answers.ts'
import { largestDifference } from './differences.ts'
import { roundingOf } from './rounding.ts'
import { withTokenRows } from './token-rows.ts'
import { type Arrangement, arrangements, type Trial, trialsFor } from './trials.ts'

/** For each arrangement how many examples get the answers that they get alone; without those in which the dense model's own differ. */
export type Invariance = Partial<Record<Exclude<Arrangement, 'alone'>, number>>

/** Two sets of examples: what decides near ties in one does not in the other. */
const SEEDS = [11, 12]

export interface InvarianceOptions {
  /** The model that was pruned. */
  readonly source: Model
  readonly dense: Session
  /** Of the pruned model; with traced scores (`trace: 'scores'`) a dependence shows even where it does not change the selection. */
  readonly pruned: Session
  /** The culprit to name where answers depend on the batch. */
  readonly where: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Verifies that a pruned model gives an example the same answer alone, in a batch, and padded on either side; of outputs with a row for each kept
 * token, which longer examples of a batch lengthen, the rows that `tp.mask` shows. One example that differs may
 * be rounding that decided a near tie; several mean a method that reads other examples, or padding.
 * @returns how many examples were compared; undefined if the dense model's own answers depend on all of this (for example by dynamic
 * quantization)
 * @throws TpError TP_VERIFY, TP_INPUT
 */
export async function verifyInvariance(options: InvarianceOptions): Promise<Invariance | undefined> {
  const { source, dense, pruned, where, signal } = options
  const roles: InputRoles = inputRoles(source)
  const sets = SEEDS.map((seed) => trialsFor(source, roles, seed))
  const tolerance = roundingOf(source)
  const own = await differencesIn(dense, sets, signal)
  const compared = batched.filter((each) => own.get(each)?.every((difference) => difference <= tolerance))
  if (compared.length === 0) return undefined
  const found = await differencesIn(pruned, sets, signal)
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
async function differencesIn(
  session: Session,
  sets: readonly (readonly Trial[])[],
  signal: AbortSignal | undefined,
): Promise<Map<Arrangement, number[]>> {
  const found = new Map<Arrangement, number[]>()
  for (const trials of sets) {
    const answers = withTokenRows(await answersTo(session, trials, { signal }))
    const alone = new Map(
      answers.flatMap((answer) => (answer.arrangement === 'alone' ? [[answer.example, answer]] : [])),
    )
    for (const { arrangement, example, outputs } of answers) {
      const own = (alone.get(example) as Answer).outputs
      const first = firstScores(Object.keys(own))
      const others = distanceOf(outputs, own, largestDifference, (name) => !name.startsWith('tp.'))
      const scores = first === undefined ? 0 : scoreDifference(outputs[first] as TensorLike, own[first] as TensorLike)
      found.set(arrangement, [...(found.get(arrangement) ?? []), Math.max(others, scores)])
    }
  }
  return found
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
