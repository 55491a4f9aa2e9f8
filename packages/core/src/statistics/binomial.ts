// Here rather than in @tp/metrics since @tp/guard, which needs no more than this package at run time, promises by it, too.

/**
 * P(X ≤ k) of a binomial X: `trials` draws that each succeed with probability `p`. The terms are summed from the largest
 * on, until they no longer count.
 */
export function binomialAtMost(k: number, trials: number, p: number): number {
  if (k >= trials || p <= 0) return 1
  if (k < 0 || p >= 1) return 0
  const odds = p / (1 - p)
  // The tail on the far side of the mean is the one that is summed: the other one is 1 less it.
  if (k < trials * p) {
    let [term, total] = [1, 1]
    for (let i = k; i > 0 && term > total * Number.EPSILON; i--) {
      term *= i / (trials - i + 1) / odds
      total += term
    }
    return Math.min(1, total * binomialAt(k, trials, p))
  }
  let [term, total] = [1, 1]
  for (let i = k + 1; i < trials && term > total * Number.EPSILON; i++) {
    term *= ((trials - i) / (i + 1)) * odds
    total += term
  }
  return Math.max(0, 1 - total * binomialAt(k + 1, trials, p))
}

/** P(X = k) of a binomial X, by logarithms: the first terms of thousands of trials are smaller than any number. */
export function binomialAt(k: number, trials: number, p: number): number {
  if (k < 0 || k > trials) return 0
  if (p <= 0) return Number(k === 0)
  if (p >= 1) return Number(k === trials)
  const ways = logFactorial(trials) - logFactorial(k) - logFactorial(trials - k)
  return Math.exp(ways + k * Math.log(p) + (trials - k) * Math.log1p(-p))
}

/**
 * The largest rate that `failures` of `trials` do not rule out: above the true rate with probability `confidence` or more
 * (Clopper and Pearson 1934, one-sided).
 */
export function upperBound(failures: number, trials: number, confidence: number): number {
  if (failures >= trials) return 1
  let [low, high] = [failures / trials, 1]
  while (high - low > 1e-12) {
    const middle = (low + high) / 2
    if (binomialAtMost(failures, trials, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** The smallest rate that `successes` of `trials` do not rule out; see {@link upperBound}. */
export function lowerBound(successes: number, trials: number, confidence: number): number {
  return 1 - upperBound(trials - successes, trials, confidence)
}

/**
 * How many failures of `trials` still show, with the given confidence, that the rate is at most `rate`; −1 if not even
 * none does.
 */
export function mostFailures(trials: number, rate: number, confidence: number): number {
  const shows = (failures: number): boolean => binomialAtMost(failures, trials, rate) <= 1 - confidence
  let [low, high] = [-1, Math.ceil(trials * rate)]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (shows(middle)) low = middle
    else high = middle
  }
  return low
}

/** How many trials without any failure show, with the given confidence, that the rate is at most `rate`. */
export function fewestTrials(rate: number, confidence: number): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log1p(-rate))
}

const SMALL: readonly number[] = Array.from({ length: 16 }, (_, n) => {
  let product = 1
  for (let i = 2; i <= n; i++) product *= i
  return Math.log(product)
})

/** ln n!; from 16 on by Stirling's series, whose error is then below 1e-13. */
function logFactorial(n: number): number {
  const known = SMALL[n]
  if (known !== undefined) return known
  const inverse = 1 / n
  const square = inverse * inverse
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + series
}
