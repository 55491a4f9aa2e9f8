import type { NamedTensors } from '@tp/core'

const TRACE = /^tp\.trace\.(\d+)\.(indices|valid)$/

/** The tokens that stayed behind each pruned block, by row: `block` → rows of places, ascending. */
function tracedTokens(outputs: NamedTensors): Map<number, number[][]> {
  const blocks = [...new Set(Object.keys(outputs).flatMap((name) => TRACE.exec(name)?.[1] ?? []))].map(Number)
  return new Map(
    blocks.map((block) => {
      const indices = outputs[`tp.trace.${block}.indices`]
      const valid = outputs[`tp.trace.${block}.valid`]?.data as Uint8Array
      const [rows = 0, width = 0] = indices?.dims ?? []
      const places = Array.from(indices?.data as BigInt64Array, Number)
      const row = (r: number): number[] =>
        places.slice(r * width, (r + 1) * width).filter((_, i) => valid[r * width + i] === 1)
      return [block, Array.from({ length: rows }, (_, r) => row(r).sort((a, b) => a - b))]
    }),
  )
}

/** Rows of a batch for which two runtimes kept different tokens at some block. */
export function rowsThatDiffer(one: NamedTensors, other: NamedTensors): Set<number> {
  const [left, right] = [tracedTokens(one), tracedTokens(other)]
  const rows = new Set<number>()
  for (const [block, tokens] of left) {
    for (const [row, kept] of tokens.entries()) {
      if (String(kept) !== String(right.get(block)?.[row])) rows.add(row)
    }
  }
  return rows
}

/** Largest difference of all outputs that are not traces. */
export function largestDifference(one: NamedTensors, other: NamedTensors): number {
  let largest = 0
  for (const [name, { data }] of Object.entries(one)) {
    if (TRACE.test(name)) continue
    const theirs = other[name]?.data as Float32Array | undefined
    for (const [i, value] of (data as Float32Array).entries()) {
      const difference = Math.abs(value - (theirs?.[i] ?? Number.NaN))
      // Not Math.max, which a number that is none gets through.
      if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
    }
  }
  return largest
}
