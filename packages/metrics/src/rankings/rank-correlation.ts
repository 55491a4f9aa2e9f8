/**
 * Spearman's rank correlation of two lists of equal length, −1 … 1; equal values share the mean of their ranks.
 * @returns undefined where one list has the same value everywhere
 */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | undefined {
  return rankCorrelationAt(a, b)(Int32Array.from(a.keys()))
}

/**
 * The same for examples at any positions, some of them several times, as `pairedBootstrap` draws them. Values are put in order once;
 * a draw is ranked by counting them, in time that is linear in its length.
 * @returns a function of positions; undefined where one list has the same value at all of them
 */
export function rankCorrelationAt(
  a: readonly number[],
  b: readonly number[],
): (examples: Int32Array) => number | undefined {
  const [ranksOfA, ranksOfB] = [ranksAt(a), ranksAt(b)]
  return (examples) => {
    const [first, second] = [ranksOfA(examples), ranksOfB(examples)]
    let [both, ofFirst, ofSecond] = [0, 0, 0]
    for (const example of examples) {
      const [x, y] = [first[example] as number, second[example] as number]
      both += x * y
      ofFirst += x * x
      ofSecond += y * y
    }
    return ofFirst === 0 || ofSecond === 0 ? undefined : both / Math.sqrt(ofFirst * ofSecond)
  }
}

/** Twice the rank of each value, from their mean; equal values share the mean of theirs. Rank correlation is the correlation of these. */
export function centeredRanks(values: readonly number[]): Int32Array {
  return ranksAt(values)(Int32Array.from(values.keys()))
}

/** By position twice the rank among examples, from their mean: whole numbers, so that their sums are exact. */
function ranksAt(values: readonly number[]): (examples: Int32Array) => Int32Array {
  const order = [...values.keys()].sort((i, j) => (values[i] as number) - (values[j] as number))
  /** By position the number of distinct values below. */
  const levels = new Int32Array(values.length)
  let level = 0
  for (const [i, position] of order.entries()) {
    if (i > 0 && values[position] !== values[order[i - 1] as number]) level++
    levels[position] = level
  }
  const [counts, ranks, found] = [new Int32Array(level + 1), new Int32Array(level + 1), new Int32Array(values.length)]
  return (examples) => {
    counts.fill(0)
    for (const example of examples) {
      const own = levels[example] as number
      counts[own] = (counts[own] as number) + 1
    }
    let below = 0
    for (let own = 0; own <= level; own++) {
      const count = counts[own] as number
      // Ranks below … below + count − 1 have the mean (2·below + count − 1) / 2; that of all is (examples − 1) / 2.
      ranks[own] = 2 * below + count - examples.length
      below += count
    }
    for (const example of examples) found[example] = ranks[levels[example] as number] as number
    return found
  }
}
