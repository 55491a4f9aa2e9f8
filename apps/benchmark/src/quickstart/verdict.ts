import { bootstrapMean, type Interval } from '@tp/eval'
import { factor, points } from '../output/numbers.ts'
import type { Budget, Line } from './compare.ts'

/** The method that the sentences speak of; which one stands there does not depend on the numbers. */
const METHOD = 'received-attention'

/** What the lines of one budget say, in sentences that their intervals decide. */
export function verdict(lines: readonly Line[], { keep, layers }: Budget, what: string): string {
  const find = (method: string): Line =>
    lines.find((line) => line.method === method && (line.keep === keep || method === 'dense')) as Line
  const [dense, method, random] = ['dense', METHOD, 'random'].map(find) as [Line, Line, Line]
  const loss = difference(dense, method)
  const behind = difference(method, random)
  const low = Math.min(...random.seeds)
  const high = Math.max(...random.seeds)
  return [
    `Keep ${keep} ${placeOf(layers)}: ${METHOD} is ${factor(method.speedup)} as fast as dense, FLOPs ${factor(method.flops)},`,
    `and loses ${points(loss)} points: ${lossWords(loss)}.`,
    `Random (seeds ${low.toFixed(1)} … ${high.toFixed(1)} %) is ${points(behind)} points behind it:`,
    `${randomWords(behind, what)}.`,
  ].join(' ')
}

/** Points of accuracy by which `worse` is behind `better`, paired by example. */
function difference(better: Line, worse: Line): Interval {
  return bootstrapMean(better.correct.map((right, i) => 100 * (right - (worse.correct[i] as number))))
}

function placeOf(layers: readonly number[]): string {
  const [first] = layers
  return layers.length === 1 ? `once, in block ${first}` : `in each of blocks ${first} to ${layers.at(-1)}`
}

function lossWords({ low, high }: Interval): string {
  if (low > 0) return 'a loss that can be measured'
  return high < 0 ? 'it is better than dense' : 'none that can be measured'
}

function randomWords({ low, high }: Interval, what: string): string {
  if (low > 0) return 'at this budget it matters which tokens stay'
  if (high < 0) return 'here chance chooses better'
  return `${what} are so redundant that at this budget random tokens do as well`
}
