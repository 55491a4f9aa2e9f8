import { add, clip, greaterOrEqual, log, type SoftSite, sigmoid, straightThrough, sub, type Tensor } from '@tp/core'

/**
 * Draws yes (1) or no (0) for each token, yes with the probability σ(logit), and gives the draw the gradient of
 * σ(logit + g), where g has the logistic distribution. It is Gumbel-softmax of two classes (Jang et al., ICLR 2017,
 * arXiv:1611.01144) at temperature 1: the difference of two Gumbel variables is a logistic one.
 *
 * @param logit float [B,N]
 * @returns float [B,N], 0 or 1
 */
export function draw(logit: Tensor, site: Pick<SoftSite, 'noise'>): Tensor {
  // A number just below 1 may become 1 in float32.
  const u = clip(site.noise(['B', 'N']), 1e-7, 1 - 1e-7)
  const drawn = add(logit, sub(log(u), log(sub(1, u))))
  return straightThrough(greaterOrEqual(drawn, 0), sigmoid(drawn))
}
