import { type AllLogits, logitRowsOf } from './predictions.ts'

/**
 * How far other answers are from a model's, [examples]: KL(model ‖ other) = Σ p (log p − log q) over classes, in nats. Needs no
 * labels, and says something of every example, where few answers turn.
 * @param model its logits, [examples, classes]; log p do as well
 * @param other as many
 */
export function divergences({ logits, classes }: AllLogits, other: Pick<AllLogits, 'logits'>): number[] {
  const rows = (all: Float32Array): number[][] => logitRowsOf({ logits: all, classes }).map(logProbabilities)
  const [p, q] = [rows(logits), rows(other.logits)]
  return p.map((row, i) => row.reduce((sum, log, c) => sum + Math.exp(log) * (log - (q[i]?.[c] as number)), 0))
}

function logProbabilities(row: Float32Array): number[] {
  const most = Math.max(...row)
  const total = most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0))
  return Array.from(row, (logit) => logit - total)
}
