import { TpError } from '@tp/core'
import { quantile } from 'simple-statistics'
import type { BootstrapOptions, Interval } from '../metrics/bootstrap.ts'
import { randomNumbers } from '../random.ts'

/**
 * How much more is lost on shifted data than on one's own: the difference of two mean losses, with its 95 % percentile
 * bootstrap interval. Examples are drawn anew, with replacement: a shifted one together with what it was made from, so
 * that the difference is paired; examples of elsewhere by themselves.
 *
 * @param shifted loss by example of the shifted data
 * @param own loss by example of one's own
 * @param examples positions among one's own that the shifted ones were made from (all, or some of them: a length bin);
 *   undefined where they are others
 * @throws TpError TP_OPTION
 */
export function extraLoss(
  shifted: readonly number[],
  own: readonly number[],
  examples: readonly number[] | undefined,
  { seed = 1, resamples = 2000 }: BootstrapOptions = {},
): Interval {
  check(shifted, own, examples)
  const random = randomNumbers(seed)
  const from = (count: number): number => Math.floor(random() * count)
  const difference =
    examples === undefined
      ? () => meanOf(shifted, () => from(shifted.length)) - meanOf(own, () => from(own.length))
      : together(shifted, own, examples, from)
  const drawn = Array.from({ length: resamples }, difference)
  const [low, high] = quantile(drawn, [0.025, 0.975]) as [number, number]
  return { estimate: meanOf(shifted, (i) => i) - meanOf(own, (i) => i), low, high }
}

/** One draw after the other of one's own examples, each with what was made from it, if anything was. */
function together(
  shifted: readonly number[],
  own: readonly number[],
  examples: readonly number[],
  from: (count: number) => number,
): () => number {
  const madeFrom = new Int32Array(own.length).fill(-1)
  for (const [i, position] of examples.entries()) madeFrom[position] = i
  return () => {
    let [sum, count, total] = [0, 0, 0]
    // Another round in the rare case that none of a small bin is among them.
    while (count === 0) {
      total = 0
      for (let n = 0; n < own.length; n++) {
        const position = from(own.length)
        total += own[position] as number
        const made = madeFrom[position] as number
        if (made < 0) continue
        sum += shifted[made] as number
        count += 1
      }
    }
    return sum / count - total / own.length
  }
}

function meanOf(values: readonly number[], position: (i: number) => number): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[position(i)] as number
  return sum / values.length
}

function check(shifted: readonly number[], own: readonly number[], examples: readonly number[] | undefined): void {
  const fail = (problem: string): never => {
    throw new TpError('TP_OPTION', 'eval', `extra loss: ${problem}`)
  }
  if (shifted.length === 0 || own.length === 0) fail('there are no examples')
  if (examples === undefined) return
  if (examples.length !== shifted.length) fail(`${shifted.length} examples were made from ${examples.length}`)
  const wrong = examples.find((position) => !Number.isInteger(position) || position < 0 || position >= own.length)
  if (wrong !== undefined) fail(`example ${wrong} is none of one's own ${own.length}`)
  if (new Set(examples).size !== examples.length) fail('two examples were made from one')
}
