import { TpError } from '@tp/core'

/** Whether two models that answered the same examples differ in how often they are right. */
export interface McNemar {
  /** Examples that only the first, and only the second has right; the others say nothing of a difference. */
  readonly onlyFirst: number
  readonly onlySecond: number
  /** Two-sided mid-p value, 0 … 1. */
  readonly p: number
  /** Two-sided p of the exact conditional test, which is never below `p`. */
  readonly exact: number
}

/**
 * McNemar's exact test on paired answers: of the n examples that only one of both has right, how many each has is
 * Binomial(n, ½) if the models are equally good.
 *
 *     exact = min(1, 2·P(X ≤ m))      mid-p = 2·P(X < m) + P(X = m)      m = min(onlyFirst, onlySecond)
 *
 * and where both have as many, mid-p = 1 − ½·P(X = m). The mid-p value is the one to report: the exact test errs on the
 * safe side by more than its level asks for, the mid-p does not in practice exceed it. McNemar, Psychometrika 12, 1947;
 * Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91, 2013.
 *
 * @param first and second: by example, whether the answer was right
 * @throws TpError TP_OPTION if the two are not of the same examples
 */
export function mcnemar(first: readonly boolean[], second: readonly boolean[]): McNemar {
  if (first.length !== second.length) {
    const counts = `${first.length} and ${second.length}`
    throw new TpError('TP_OPTION', 'metrics', `answers to ${counts} examples cannot be compared; evaluate the same`)
  }
  const onlyFirst = first.filter((right, i) => right && !second[i]).length
  const onlySecond = second.filter((right, i) => right && !first[i]).length
  return { onlyFirst, onlySecond, ...pValues(onlyFirst, onlySecond) }
}

function pValues(onlyFirst: number, onlySecond: number): { p: number; exact: number } {
  const n = onlyFirst + onlySecond
  if (n === 0) return { p: 1, exact: 1 }
  const m = Math.min(onlyFirst, onlySecond)
  // By logarithms: ½ⁿ alone underflows for n beyond a thousand.
  let logarithm = -n * Math.LN2
  let below = 0
  for (let k = 0; k < m; k++) {
    below += Math.exp(logarithm)
    logarithm += Math.log((n - k) / (k + 1))
  }
  const at = Math.exp(logarithm)
  const exact = Math.min(1, 2 * (below + at))
  return { exact, p: onlyFirst === onlySecond ? 1 - at / 2 : 2 * below + at }
}
