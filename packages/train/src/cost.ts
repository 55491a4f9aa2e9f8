import type { SoftModel } from '@tp/compiler'
import { add, div, mean, mul, sum, type Tensor } from '@tp/core'

/** The cost of a soft model once tokens are pruned, as expressions: float [B] each, so that parts of a batch can be added up. */
export interface SoftCost {
  /** Multiply-adds of each example's layers, and those of the dense ones. */
  readonly own: Tensor
  readonly dense: Tensor
  /** Kept tokens, and all, summed over the layers. */
  readonly kept: Tensor
  readonly tokens: Tensor
}

/**
 * Multiply-adds of the layers by how much of the tokens is kept: 4nd² + 2n²d for the attention of n tokens of hidden size
 * d, 8nd² for the feed-forward, which at the usual site computes only the tokens kept after the attention of its layer.
 */
export function softCost({ kept, attended, layerCount, site, hidden }: SoftModel): SoftCost {
  const all = sum(attended, 1)
  const linear = (tokens: Tensor, factor: number): Tensor => mul(tokens, factor * hidden)
  const attention = (tokens: Tensor): Tensor => add(linear(tokens, 4), mul(mul(tokens, tokens), 2))
  const costs: Tensor[] = []
  const counts: Tensor[] = []
  let now = all
  for (let layer = 0; layer < layerCount; layer++) {
    const before = now
    const here = kept.get(layer)
    if (here !== undefined) now = sum(here, 1)
    costs.push(attention(site === 'input' ? now : before), linear(now, 8))
    counts.push(now)
  }
  return {
    own: total(costs),
    dense: mul(add(attention(all), linear(all, 8)), layerCount),
    kept: total(counts),
    tokens: mul(all, layerCount),
  }
}

export function total(terms: readonly Tensor[]): Tensor {
  return terms.reduce((a, b) => add(a, b))
}

/** float []: share of the multiply-adds of all examples together. */
export function shareOf({ own, dense }: Pick<SoftCost, 'own' | 'dense'>): Tensor {
  return div(sum(own, [0]), sum(dense, [0]))
}

/**
 * float [B]: what each example's FLOPs subtract from its reward if all examples together aim at a share.
 * @param slope float []: derivative of what is minimised by the share of all rows, so that in the mean a policy follows it
 */
export function priceOf({ own, dense }: Pick<SoftCost, 'own' | 'dense'>, slope: Tensor): Tensor {
  return mul(div(own, mean(dense, [0])), slope)
}

/** float [B]: the same without a target share: a weight times the share of its own dense FLOPs (TR-BERT's α). */
export function fixedPrice({ own, dense }: Pick<SoftCost, 'own' | 'dense'>, weight: number): Tensor {
  return mul(div(own, dense), weight)
}
