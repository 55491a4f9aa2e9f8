import { binomialAt, binomialAtMost, lowerBound, upperBound } from '@tp/core/statistics'
import { type PairedCounts, pairedScore } from './paired-score.ts'

/** Of the 2.5 %, what is spent on which shares of gains are thought possible. */
const NUISANCE = 0.0005

/** Number of values tried; the worst is refined between its neighbors. */
const TRIED = 32

/**
 * Probability, at most, of answers that speak as clearly for a loss below `tolerance` or more clearly, if the loss is `tolerance`
 * or more. An exact unconditional test: the true shares p of examples that only the first model has right and q of those that
 * only the second has right are not known but for p − q ≥ tolerance, so that the worst of them counts, and that is one with
 * p − q = tolerance. Possible values of q are those of its own exact interval at 1 − γ, and γ is added (Berger and Boos, JASA 89,
 * 1994). Counts speak more clearly the lower their {@link pairedScore} is (Sidik, Computational Statistics & Data Analysis 44, 2003).
 * @param enough the search for the worst ends once it is above this
 */
export function lossPValue(counts: PairedCounts, tolerance: number, enough: number = Number.POSITIVE_INFINITY): number {
  const { examples, onlySecond } = counts
  const most = mostLosses(counts, tolerance)
  const half = 1 - NUISANCE / 2
  const [low, high] = [lowerBound(onlySecond, examples, half), upperBound(onlySecond, examples, half)]
  // Shares of gains and of losses are 1 together at most.
  const to = Math.sqrt(Math.min(high, (1 - tolerance) / 2))
  const from = Math.min(Math.sqrt(Math.max(0, low)), to)
  const at = (root: number): number => probability(most, examples, root ** 2, tolerance)
  let [step, start] = [(to - from) / (TRIED - 1), from]
  let [worst, found] = [start, at(start)]
  for (const tried of [TRIED, 11]) {
    for (let i = 0; i < tried; i++) {
      const value = at(start + i * step)
      if (value > found) [worst, found] = [start + i * step, value]
      if (NUISANCE + found > enough) return NUISANCE + found
    }
    start = Math.max(from, worst - step)
    step = (Math.min(to, worst + step) - start) / 10
  }
  return Math.min(1, NUISANCE + found)
}

/** By number of gains: the most losses that still speak as clearly as what was seen; −1 for none. Ascending. */
function mostLosses(counts: PairedCounts, tolerance: number): (onlySecond: number) => number {
  const { examples } = counts
  const seen = pairedScore(counts, tolerance) + 1e-9
  const known: number[] = []
  return (onlySecond) => {
    while (known.length <= onlySecond) {
      const gains = known.length
      let losses = known.at(-1) ?? -1
      const isAsClear = (onlyFirst: number): boolean =>
        onlyFirst + gains <= examples && pairedScore({ examples, onlyFirst, onlySecond: gains }, tolerance) <= seen
      while (isAsClear(losses + 1)) losses++
      known.push(losses)
    }
    return known[onlySecond] as number
  }
}

/** Too little to count. */
const NOTHING = 1e-9

function probability(most: (gains: number) => number, examples: number, gained: number, tolerance: number): number {
  const lost = Math.min(1, (gained + tolerance) / (1 - gained))
  const odds = gained / (1 - gained)
  const middle = Math.floor(gained * examples)
  const likeliest = binomialAt(middle, examples, gained)
  let [sum, rest] = [0, 1]
  const add = (gains: number, chance: number): void => {
    rest -= chance
    sum += chance * binomialAtMost(most(gains), examples - gains, lost)
  }
  for (let gains = middle, chance = likeliest; gains >= 0 && chance > NOTHING; gains--) {
    add(gains, chance)
    chance *= gains / (examples - gains + 1) / odds
  }
  for (let gains = middle, chance = likeliest; gains < examples; ) {
    chance *= ((examples - gains) / (gains + 1)) * odds
    gains++
    if (chance <= NOTHING) break
    add(gains, chance)
  }
  // Omitted outcomes count as if they were as extreme.
  return sum + Math.max(0, rest)
}
