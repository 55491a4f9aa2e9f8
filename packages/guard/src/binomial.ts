/**
 * P(X ≤ k) of a binomial X: `trials` draws that each succeed with probability `p`. Summed by its logarithms, since the
 * first terms of thousands of trials are smaller than any number.
 */
export function binomialAtMost(k: number, trials: number, p: number): number {
  if (k >= trials || p <= 0) return 1
  if (p >= 1) return 0
  const odds = Math.log(p) - Math.log1p(-p)
  let term = trials * Math.log1p(-p)
  let total = term
  for (let i = 1; i <= k; i++) {
    term += Math.log((trials - i + 1) / i) + odds
    const [low, high] = term < total ? [term, total] : [total, term]
    total = high + Math.log1p(Math.exp(low - high))
  }
  return Math.min(1, Math.exp(total))
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
