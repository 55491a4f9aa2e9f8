import { gradients } from '@tp/autodiff'
import { gatherElements, mul, norm2, sum, type Tensor, unsqueeze } from '@tp/core'

/**
 * How much each token counts for a class: ∂logit/∂e ⊙ e of its embedding e, its length (`L2`) or its sum (`mean`).
 * logits [B,C], labels int64 [B], embedded [B,N,D], real float [B,N] → [B,N]
 */
export function saliency(logits: Tensor, labels: Tensor, embedded: Tensor, real: Tensor, aggregation: unknown): Tensor {
  const chosen = sum(gatherElements(logits, unsqueeze(labels, 1), 1), [0, 1])
  const parts = mul(gradients(chosen, [embedded])[0] as Tensor, embedded)
  return mul(aggregation === 'L2' ? norm2(parts, 2) : sum(parts, 2), real)
}
