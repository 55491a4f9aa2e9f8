import type { Tensor } from '../expression/tensor.ts'
import type { Site } from '../method/site.ts'
import {
  add,
  axisSize,
  cast,
  cumSum,
  div,
  gather,
  matmul,
  maximum,
  mean,
  mul,
  range,
  reshape,
  squeeze,
  sub,
  sum,
  unsqueeze,
} from '../ops/index.ts'

/**
 * float [B,N]: mean over some query rows, then over heads, of the attention to each token. One axis at a time: reducing both
 * at once takes runtimes 50 times as long.
 * @param attention [B,H,N,N]
 * @param rows [B,N] weight of each query row, not 0 for all
 */
export function receivedFrom(attention: Tensor, rows: Tensor): Tensor {
  const summed = squeeze(matmul(unsqueeze(rows, [1, 2]), attention), [2])
  return div(mean(summed, 1), sum(rows, 1, { keepDims: true }))
}

/** float [B,N]: {@link Site.received} without each token's attention to itself. */
export function receivedFromOthers(
  site: Pick<Site, 'received' | 'attention' | 'attended' | 'count' | 'isCausal'>,
): Tensor {
  return sub(site.received, div(toItself(site.attention), queriesOf(site)))
}

/** float [B,1] or [B,N]: how many real query rows see each token: all of them, or in a causal encoder those from the token on. */
export function queriesOf({ attended, count, isCausal }: Pick<Site, 'attended' | 'count' | 'isCausal'>): Tensor {
  if (!isCausal) return unsqueeze(count, 1)
  // Padding on the right is seen by none, and divided by 1.
  return maximum(cumSum(cast(attended, 'float32'), 1, { reverse: true }), 1)
}

/** attention [B,H,N,N] → [B,N]: mean over heads of the diagonal, which is every (N+1)-th element of a head. */
function toItself(attention: Tensor): Tensor {
  const [batch = 0, heads = 0] = attention.dims
  const tokens = squeeze(axisSize(attention, 3), 0)
  const flat = reshape(attention, [batch, heads, -1])
  return mean(gather(flat, range(0, mul(tokens, tokens), add(tokens, 1)), 2), 1)
}
