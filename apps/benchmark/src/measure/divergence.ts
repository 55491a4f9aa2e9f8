import type { Evaluation } from '@tp/eval'

/** Mean over the examples of Σ_c p_c · ln(p_c / q_c), p of dense. */
export function meanDivergence(dense: Evaluation, other: Evaluation): number {
  const [p, q] = [dense, other].map(logProbabilities) as [number[][], number[][]]
  const each = p.map((row, i) => row.reduce((sum, log, c) => sum + Math.exp(log) * (log - (q[i]?.[c] as number)), 0))
  return each.reduce((a, b) => a + b, 0) / each.length
}

function logProbabilities({ logits, classes }: Evaluation): number[][] {
  return Array.from({ length: logits.length / classes }, (_, i) => {
    const row = Array.from(logits.subarray(i * classes, (i + 1) * classes))
    const highest = Math.max(...row)
    const total = highest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - highest), 0))
    return row.map((x) => x - total)
  })
}
