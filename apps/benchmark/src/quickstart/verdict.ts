import type { Interval } from '@tp/eval/metrics'
import { type Budget, behind, type Line } from '../measure/compare.ts'
import { budgetText } from '../output/lines-table.ts'
import { factor, points } from '../output/numbers.ts'

/** The method that the sentences speak of; which one stands there does not depend on the numbers. */
const METHOD = 'received-attention'

/** What the lines of one budget say, in sentences that their intervals decide. */
export function verdict(lines: readonly Line[], budget: Budget, what: string): string {
  const find = (name: string): Line => lines.find((line) => line.method === name && line.keep === budget.keep) as Line
  const [method, random] = [find(METHOD), find('random')]
  const lead = behind(method.correct, random.correct)
  const { value, low, high } = method.speedup
  return [
    `${METHOD}, ${budgetText(budget)}: ${factor(value)} as fast as dense (${low.toFixed(2)} … ${high.toFixed(2)}), loss`,
    `${points(method.loss)}, ${lossWords(method.loss)}. ${randomWords(random, what)}; ${leadWords(lead)}.`,
  ].join(' ')
}

function lossWords({ low, high }: Interval): string {
  if (low > 0) return 'which can be measured'
  return high < 0 ? 'which is a gain' : 'which cannot be told from none'
}

function randomWords({ loss, seeds }: Line, what: string): string {
  const spread = [Math.min(...seeds), Math.max(...seeds)].map((percent) => percent.toFixed(1)).join(' … ')
  const lost = `loss ${points(loss)}, seeds ${spread} %`
  return loss.low > 0
    ? `Random tokens no longer keep up with the dense model (${lost})`
    : `Random tokens keep up too (${lost}), so much do ${what} repeat themselves`
}

function leadWords({ low, high, estimate }: Interval): string {
  if (low > 0) return `${METHOD} is ${points({ low, high, estimate })} points ahead of them`
  if (high < 0) return `${METHOD} is ${points({ low: -high, high: -low, estimate: -estimate })} points behind them`
  return `which of the two is better cannot be told (${points({ low, high, estimate })})`
}
