import type { Evaluation } from '@tp/eval'

/** The logits of an evaluation, example by example. */
export function logitRowsOf({ logits, classes, predictions }: Evaluation): Float32Array[] {
  return predictions.map((_, i) => logits.subarray(i * classes, (i + 1) * classes))
}
