import { NORMAL } from './interval.ts'

/** From here on the expansion is right to seven digits. */
const MANY = 30

/** 97.5 % of Student's t distribution with so many degrees of freedom, 1 or more, lie below it. */
export function studentQuantile(freedom: number): number {
  return freedom < MANY ? quantileByHalving(freedom, 0.975) : expanded(freedom)
}

/** Cornish and Fisher's expansion around the normal quantile; Abramowitz and Stegun, 26.7.5. */
function expanded(freedom: number): number {
  const z = NORMAL
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ]
  return terms.reduce((sum, term, i) => sum + term / freedom ** (i + 1), z)
}

/**
 * Student's t that a share of its distribution lies below.
 * @param freedom 1 or more; the time grows in proportion
 * @param share 0.5 to 1
 */
export function quantileByHalving(freedom: number, share: number): number {
  let [low, high] = [0, Math.PI / 2]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (within(middle, freedom) < 2 * share - 1) low = middle
    else high = middle
  }
  return Math.tan(high) * Math.sqrt(freedom)
}

/** P(|t| < √ν tan θ), a finite series for whole ν; Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function within(angle: number, freedom: number): number {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const odd = freedom % 2 === 1
  let term = odd ? cosine : 1
  let sum = odd && freedom === 1 ? 0 : term
  for (let i = odd ? 3 : 2; i < freedom; i += 2) {
    term *= ((i - 1) / i) * cosine ** 2
    sum += term
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum
}
