import { type AllLogits, logitRowsOf } from './predictions.ts'

/** The standard deviation of log temperatures that is expected before any label is seen: few labels change little. */
const PRIOR = 0.35

/** The temperatures that are possible. */
const [LEAST, MOST] = [1 / 4, 8]

/**
 * The temperature T at which logits / T agree best with labels: above 1 for a model that is overconfident, below 1 for one that is too
 * cautious. It maximizes the likelihood of the labels times a log-normal prior around 1 (Guo et al., On calibration of modern neural
 * networks, ICML 2017, with a prior, since few labels are misleading).
 * @param targets classes, by example; examples whose target is not a class are ignored
 */
export function temperatureOf(model: AllLogits, targets: readonly number[]): number {
  const labeled = logitRowsOf(model).flatMap((row, i) => {
    const own = row[targets[i] as number]
    if (own === undefined) return []
    // Logits that are subtracted from all others make no difference, and keep exponents small.
    const most = row.reduce((best, logit) => Math.max(best, logit), Number.NEGATIVE_INFINITY)
    return [{ others: row.map((logit) => logit - most), own: own - most }]
  })
  const cost = (log: number): number => {
    const scale = Math.exp(-log)
    const surprise = labeled.reduce((sum, { others, own }) => {
      let total = 0
      for (const logit of others) total += Math.exp(scale * logit)
      return sum + Math.log(total) - scale * own
    }, 0)
    return surprise + log ** 2 / (2 * PRIOR ** 2)
  }
  return Math.exp(lowest(cost, Math.log(LEAST), Math.log(MOST)))
}

/** Where a function with one minimum has it, by golden section. */
function lowest(cost: (at: number) => number, from: number, to: number): number {
  const golden = (Math.sqrt(5) - 1) / 2
  let [low, high] = [from, to]
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)]
  let [atLeft, atRight] = [cost(left), cost(right)]
  for (let i = 0; i < 40; i++) {
    if (atLeft < atRight) {
      ;[high, right, atRight] = [right, left, atLeft]
      left = high - golden * (high - low)
      atLeft = cost(left)
    } else {
      ;[low, left, atLeft] = [left, right, atRight]
      right = low + golden * (high - low)
      atRight = cost(right)
    }
  }
  return (low + high) / 2
}
