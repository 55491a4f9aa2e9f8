import { TpError } from '@tp/core'
import { type Interval, ratioInterval, scaledInterval } from '@tp/metrics'

/**
 * How much more is lost on shifted data than on one's own: the difference of two mean losses, with its 95 % interval. A shifted example
 * that was made from one's own is paired with it ({@link ratioInterval}); the two means of examples of elsewhere are independent,
 * and their limits are put together (the squares of the distances add up: Zou and Donner, Statistics in Medicine 27, 2008).
 *
 * @param shifted loss by example of the shifted data, in points, −100 … 100
 * @param own loss by example of one's own
 * @param examples positions among one's own that the shifted ones were made from (all, or some of them: a length bin);
 *   undefined where they are others
 * @throws TpError TP_OPTION
 */
export function extraLoss(
  shifted: readonly number[],
  own: readonly number[],
  examples: readonly number[] | undefined,
): Interval {
  check(shifted, own, examples)
  if (examples === undefined) return apart(meanLoss(shifted), meanLoss(own))
  const madeFrom = new Map(examples.map((position, i) => [position, shifted[i] as number]))
  const made = own.map((_, i) => ({ got: (madeFrom.get(i) ?? 0) / 100, of: Number(madeFrom.has(i)) }))
  return scaledInterval(ratioInterval(made, contributions(own), 'share'), 100)
}

function contributions(losses: readonly number[]): { got: number; of: number }[] {
  return losses.map((loss) => ({ got: loss / 100, of: 1 }))
}

function meanLoss(losses: readonly number[]): Interval {
  const none = losses.map(() => ({ got: 0, of: 1 }))
  return scaledInterval(ratioInterval(contributions(losses), none, 'share'), 100)
}

function apart(first: Interval, second: Interval): Interval {
  const estimate = first.estimate - second.estimate
  return {
    estimate,
    low: estimate - Math.hypot(first.estimate - first.low, second.high - second.estimate),
    high: estimate + Math.hypot(first.high - first.estimate, second.estimate - second.low),
  }
}

function check(shifted: readonly number[], own: readonly number[], examples: readonly number[] | undefined): void {
  const fail = (problem: string): never => {
    throw new TpError('TP_OPTION', 'benchmark', `extra loss: ${problem}`)
  }
  if (shifted.length === 0 || own.length === 0) fail('there are no examples')
  if (examples === undefined) return
  if (examples.length !== shifted.length) fail(`${shifted.length} examples were made from ${examples.length}`)
  const wrong = examples.find((position) => !Number.isInteger(position) || position < 0 || position >= own.length)
  if (wrong !== undefined) fail(`example ${wrong} is not among the ${own.length} original ones`)
  if (new Set(examples).size !== examples.length) fail('two examples were made from one')
}
