import { randomNumbers } from '@tp/core/statistics'
import { batches, type ModelInputs } from '@tp/data/inputs'

/** The learning rate rises linearly for some steps, then falls to 0 linearly or like a cosine. */
export interface RateOptions {
  /** The highest rate. */
  readonly learningRate: number
  /** Share of the steps with a rising rate, 0 … 1. */
  readonly warmUp: number
  readonly decay: 'linear' | 'cosine'
}

/** @param step from 0 */
export function learningRateAt(step: number, steps: number, { learningRate, warmUp, decay }: RateOptions): number {
  const rising = warmUp * steps
  if (step < rising) return (learningRate * (step + 1)) / (rising + 1)
  const done = (step - rising) / Math.max(1, steps - rising)
  return learningRate * (decay === 'linear' ? 1 - done : 0.5 * (1 + Math.cos(Math.PI * done)))
}

/** This many batches are made of each handful of examples, so lengths in a batch are similar but its examples vary. */
const HANDFUL = 50

/** Batches of one epoch, each of examples of similar length, in an order that the seed decides. */
export function epochOf(
  count: number,
  size: number,
  { lengths, padded }: Pick<ModelInputs, 'lengths' | 'padded'>,
  seed: number,
): number[][] {
  const random = randomNumbers(seed)
  const order = shuffled(
    Array.from({ length: count }, (_, i) => i),
    random,
  )
  const made: number[][] = []
  for (let start = 0; start < count; start += size * HANDFUL) {
    const handful = order.slice(start, start + size * HANDFUL)
    const own = lengths && handful.map((i) => lengths[i] as number)
    for (const rows of batches(handful.length, { size, lengths: own, padded }))
      made.push(rows.map((row) => handful[row] as number))
  }
  return shuffled(made, random)
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[result[i], result[j]] = [result[j] as T, result[i] as T]
  }
  return result
}
