import type { NamedTensors } from '@tp/core/runtime'
import { isTrace, tracedTokens } from '@tp/eval/metrics'

/** Rows of a batch for which two runtimes kept different tokens at some layer. */
export function rowsThatDiffer(one: NamedTensors, other: NamedTensors): Set<number> {
  const [first, second] = [tracedTokens(one), tracedTokens(other)]
  const rows = new Set<number>()
  for (const [layer, tokens] of first) {
    for (const [row, kept] of tokens.entries()) {
      if (listed(kept) !== listed(second.get(layer)?.[row])) rows.add(row)
    }
  }
  return rows
}

/** Merged tokens may stand in another order than they came in. */
function listed(tokens: readonly number[] = []): string {
  return tokens.toSorted((a, b) => a - b).join()
}

/** Largest difference of all outputs that are not traces. */
export function largestDifference(one: NamedTensors, other: NamedTensors): number {
  let largest = 0
  for (const [name, { data }] of Object.entries(one)) {
    if (isTrace(name)) continue
    const theirs = other[name]?.data as Float32Array | undefined
    for (const [i, value] of (data as Float32Array).entries()) {
      const difference = Math.abs(value - (theirs?.[i] ?? Number.NaN))
      // a NaN counts as an infinite difference.
      if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
    }
  }
  return largest
}
