import type { Tensor } from '../expression/tensor.ts'
import type { Site } from '../method/site.ts'
import { axisSize, gatherND, topK, unsqueeze, where } from '../ops/index.ts'

/** Lower than any score. */
const LAST = -1e30

/** float [B,N]: rank of each candidate by score, from 0, the highest first; all others rank after the candidates. */
export function ranks({ index }: Pick<Site, 'index'>, score: Tensor, candidates: Tensor): Tensor {
  const tokens = axisSize(score, 1)
  const ranked = unsqueeze(where(candidates, score, LAST), 2)
  // Which token is at each rank; sorted back, at which rank each token is. The result of a sort only serves as an index:
  // arithmetic on 64-bit integers would move to the CPU.
  const order = gatherND(index, topK(ranked, tokens, { axis: 1 }).indices, 1)
  const { indices } = topK(unsqueeze(order, 2), tokens, { axis: 1, largest: false })
  return gatherND(index, indices, 1)
}
