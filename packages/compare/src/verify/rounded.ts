import { type Answer, farthest, heldWithin, ownDistances } from './answers.ts'
import { notVerified, relativeDistance } from './differences.ts'
import { movedAnswers, type SourceRuns } from './moved-answers.ts'
import type { Arrangement } from './trials.ts'

/** How far a file in 8 bits is from its source on random examples of unequal lengths. */
export interface RoundedDistances {
  /** By arrangement, the largest distance of an output, as a share of its size (2-norms). */
  readonly distances: Partial<Record<Arrangement, number>>
  /** The same between its own answers to examples in batches and alone: the ranges that it rounds by may depend on the batch. */
  readonly own: number
}

export interface RoundedOptions {
  /** The answers of the source to the same examples, in the same order. */
  readonly dense: readonly Answer[]
  /** How far answers of the source may differ by the order of its operations. */
  readonly tolerance: number
  /**
   * Whether the file in 8 bits rounds by ranges of whole batches (`roundsByBatch` of `@tp/compiler`). One that does not has to
   * give an example the answer that it gets alone, in every arrangement in which the answers of the source do not change by a bit.
   */
  readonly roundsByBatch: boolean
}

/** Answers that do not depend on the batch: as exact as the sums of a runtime are. */
const SAME = 1e-6

/** In a batch and with padding, rounding may move answers by so many times what it moves them by alone, and alone what small changes of the source do, … */
const TIMES = 3
/** … or by half of their size. */
const LEAST = 0.5

/** Where sums of products do not saturate, 8 bits move most answers by less than this: 6 % in the worst of some fifty small random models, … */
const MEDIAN = 0.15
/** … and all of them, on average, by less than this. Single answers may have nothing in common. */
const MEAN = 0.25

/** The source's own numbers, changed by up to this share, move answers about as far as 8 bits do; … */
const SHARE = 0.02
/** … and in so many ways of changing them a choice that 8 bits make otherwise is made otherwise in some. */
const TRIES = 16

/**
 * Requires that batches and padding move answers in 8 bits no more than rounding explains: not at all where
 * no range is taken over a batch.
 * @throws TpError TP_VERIFY
 */
export function requireRounded(
  answers: readonly Answer[],
  { dense, tolerance, roundsByBatch }: RoundedOptions,
): RoundedDistances {
  const compared = heldWithin(ownDistances(dense, relativeDistance), tolerance)
  const distances: Partial<Record<Arrangement, number>> = {}
  for (const [i, { arrangement, outputs }] of dense.entries()) {
    if (!compared.includes(arrangement)) continue
    const { distance } = farthest(answers[i]?.outputs ?? {}, outputs, relativeDistance)
    distances[arrangement] = Math.max(distances[arrangement] ?? 0, distance)
  }
  for (const [arrangement, far] of Object.entries(distances)) {
    if (arrangement === 'alone' || far <= Math.max(LEAST, TIMES * (distances.alone ?? 0))) continue
    const shares = [far, distances.alone ?? 0].map(percentage)
    throw notVerified(
      `${arrangement}, outputs differ from the source's by ${shares[0]} of their size, alone by ${shares[1]}`,
    )
  }
  const own = ownDistances(answers, relativeDistance)
  if (!roundsByBatch) requireSame(own, heldWithin(ownDistances(dense, relativeDistance), 0))
  return { distances, own: Math.max(0, ...compared.map((each) => own.get(each) ?? 0)) }
}

/**
 * Requires that a model in 8 bits answers much as its source, where sums of its products do not saturate. Single distances say little of random
 * examples; their median and their mean are held to limits. Answers that move as far where the source's own numbers change a little do not count: some
 * are sums of much that cancels out, and where tokens or experts are chosen, another choice gives another answer.
 * @throws TpError TP_VERIFY
 */
export async function requireNear(
  answers: readonly Answer[],
  dense: readonly Answer[],
  before: SourceRuns,
): Promise<void> {
  const measure = relativeDistance
  const alone = dense.flatMap(({ arrangement, example, outputs }, i) =>
    arrangement === 'alone' ? [{ example, far: farthest(answers[i]?.outputs ?? {}, outputs, measure).distance }] : [],
  )
  const largest = new Map<number, number>()
  const isNear = (): boolean => {
    const left = alone.map(({ example, far }) => (far <= TIMES * (largest.get(example) ?? 0) ? 0 : far))
    return medianOf(left) <= MEDIAN && meanOf(left) <= MEAN
  }
  for (let seed = 1; seed <= TRIES && !isNear(); seed++) {
    const moved = await movedAnswers(alone, before, { share: SHARE, seed, measure })
    for (const [example, far] of moved) largest.set(example, Math.max(largest.get(example) ?? 0, far))
  }
  if (isNear()) return
  const distances = alone.map(({ far }) => far)
  const [mean, median] = [meanOf(distances), medianOf(distances)].map(percentage)
  const seen = `its outputs differ from the source's by ${mean} of their size on average, and half of them by ${median}`
  throw notVerified(`the model in 8 bits: ${seen} or more, which rounding does not explain`)
}

function medianOf(distances: readonly number[]): number {
  return distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0
}

function meanOf(distances: readonly number[]): number {
  return distances.reduce((sum, far) => sum + Math.min(far, 1), 0) / Math.max(1, distances.length)
}

/** @param exact the arrangements in which it has to answer as alone */
function requireSame(own: ReadonlyMap<Arrangement, number>, exact: readonly Arrangement[]): void {
  for (const arrangement of exact) {
    const far = own.get(arrangement) ?? 0
    if (far <= SAME) continue
    const seen = `${arrangement}, answers differ from those alone by ${percentage(far)} of their size`
    throw notVerified(`${seen}, although each token is rounded by itself`)
  }
}

export function percentage(share: number): string {
  return `${(100 * share).toPrecision(2)} %`
}
