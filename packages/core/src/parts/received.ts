import type { Tensor } from '../expression/tensor.ts'
import type { Site } from '../method/site.ts'
import {
  add,
  axisSize,
  div,
  gather,
  matmul,
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
export function receivedFromOthers(site: Pick<Site, 'received' | 'attention' | 'count'>): Tensor {
  return sub(site.received, div(toItself(site.attention), unsqueeze(site.count, 1)))
}

/** attention [B,H,N,N] → [B,N]: mean over heads of the diagonal, which is every (N+1)-th element of a head. */
function toItself(attention: Tensor): Tensor {
  const [batch = 0, heads = 0] = attention.dims
  const tokens = squeeze(axisSize(attention, 3), 0)
  const flat = reshape(attention, [batch, heads, -1])
  return mean(gather(flat, range(0, mul(tokens, tokens), add(tokens, 1)), 2), 1)
}
