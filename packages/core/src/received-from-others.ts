import type { Site } from './method.ts'
import { add, axisSize, div, gather, mean, mul, range, reshape, squeeze, sub, unsqueeze } from './ops/index.ts'
import type { Tensor } from './tensor.ts'

/** float [B,N]: {@link Site.received} without what each token pays to itself. */
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
