import { TpError } from '@tp/core'
import type { Session, TensorLike } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { largestDifference } from '../model/compare-outputs.ts'
import { roundingOf } from '../model/rounding.ts'
import { type Answer, answersTo, distanceOf } from '../verifying/answers.ts'
import { type Arrangement, arrangements, type Trial, trialsFor } from '../verifying/trials.ts'
import { pruneFile } from './request.ts'
import type { VerifyOptions } from './verify-options.ts'

/** For each arrangement how many examples get the answers that they get alone; without those in which the dense model's own differ. */
export type Invariance = Partial<Record<Exclude<Arrangement, 'alone'>, number>>

/** Two sets of examples: what decides near ties in one does not in the other. */
const SEEDS = [11, 12]

/**
 * Compares what a pruned model gives for examples alone with what it gives for the same ones in a batch, and with padding. One that
 * differs may be rounding that decided a near tie; several mean a method that reads other examples, or padding.
 * @param dense a session of the dense model
 * @param load opens a model that is made of the same file
 * @returns undefined if the dense model's own answers depend on all of this (for example by dynamic quantization)
 * @throws TpError TP_VERIFY
 */
export async function checkInvariance(
  options: VerifyOptions,
  dense: Session,
  load: (model: Model) => Promise<Session>,
): Promise<Invariance | undefined> {
  const { file, pruned, method, model, settings, signal } = options
  const sets = SEEDS.map((seed) => trialsFor(file.model, model, seed))
  const tolerance = roundingOf(file.model)
  const own = await differencesIn(dense, sets, signal)
  const compared = batched.filter((each) => own.get(each)?.every((difference) => difference <= tolerance))
  if (compared.length === 0) return undefined
  // The same file, with the scores as further outputs: a dependence need not change the selection in a few samples.
  const schedules = new Map(pruned.encoders.map(({ name, schedule }) => [name, schedule]))
  const traced = await pruneFile(file, { ...settings, method, schedules, trace: 'scores' })
  await using session = await load(traced.model)
  const found = await differencesIn(session, sets, signal)
  for (const arrangement of compared) {
    const seen = found.get(arrangement) ?? []
    const wrong = seen.filter((difference) => difference > tolerance)
    if (wrong.length > 1) throw dependent(method.name, arrangement, wrong, seen.length)
  }
  return Object.fromEntries(compared.map((each) => [each, found.get(each)?.length ?? 0]))
}

const batched = arrangements.filter((each) => each !== 'alone')

function dependent(method: string, arrangement: Arrangement, wrong: readonly number[], count: number): TpError {
  const reason = `${wrong.length} of ${count} examples get other answers ${arrangement} than alone`
  const by = `scores or outputs differ by up to ${Math.max(...wrong).toPrecision(2)}`
  const advice =
    arrangement === 'in a batch'
      ? 'the method may look at one example at a time only'
      : 'the method must ignore padding (attended)'
  return new TpError('TP_VERIFY', `plugin ${method}`, `${reason} (${by}); ${advice}. The model was not written`)
}

/** For each arrangement and example, the largest difference from the answers of the same model to the example alone. */
async function differencesIn(
  session: Session,
  sets: readonly (readonly Trial[])[],
  signal: AbortSignal,
): Promise<Map<Arrangement, number[]>> {
  const found = new Map<Arrangement, number[]>()
  for (const trials of sets) {
    const answers = await answersTo(session, trials, { signal })
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
