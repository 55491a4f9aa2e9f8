import { randomNumbers } from '@tp/core/statistics'
import type { Figure } from '@tp/eval/metrics'
import type { Losses } from '@tp/tune'

/** Shares of the examples that pruning loses and gains. */
export interface Flips {
  readonly lost: number
  readonly gained: number
}

/** From none to many, also far more of one kind. */
export const FLIPS: readonly Flips[] = [0, 0.001, 0.01, 0.05].flatMap((lost) =>
  [0, 0.001, 0.01, 0.05].map((gained) => ({ lost, gained })),
)

const EXAMPLES = 10_000

/** Right answers of a dense and a pruned model, with just these shares of flips. */
export function flippedAnswers({ lost, gained }: Flips): readonly [dense: Figure, pruned: Figure] {
  const of = (isRight: (at: number) => boolean): Figure => ({
    got: Array.from({ length: EXAMPLES }, (_, i) => Number(isRight(i / EXAMPLES))),
    share: true,
  })
  return [of((at) => at < lost || at >= lost + gained), of((at) => at >= lost)]
}

/**
 * The same as losses in points; what the dense model believes of them is half of what labels say, so that these decide.
 * @param from where among the examples the flips begin, 0 … 1
 */
export function flippedLosses({ lost, gained }: Flips, from = 0): Losses {
  const labelled = Array.from({ length: EXAMPLES }, (_, i) => {
    const at = (i / EXAMPLES + 1 - from) % 1
    return at < lost ? 100 : at < lost + gained ? -100 : 0
  })
  return { labelled, expected: labelled.map((loss) => Math.max(0, loss) / 2) }
}

/** F1 of sentences of one to forty entities, some of them bad ones, and with more of them wrong. */
export function sentences(rate: number): readonly [dense: Figure, pruned: Figure] {
  const random = randomNumbers(9)
  const [before, after, of]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < EXAMPLES; i++) {
    const entities = 1 + Math.floor(40 * random() ** 2)
    const right = random() < rate ? 0.5 : 1 - rate / 4
    const hits = Array.from({ length: entities }, () => random() < right).filter(Boolean).length
    const lost = random() < rate ? 1 + Math.floor(random() * hits) : 0
    before.push(2 * hits)
    after.push(2 * Math.max(0, hits - lost))
    of.push(2 * entities)
  }
  return [
    { got: before, of, share: true },
    { got: after, of, share: true },
  ]
}
