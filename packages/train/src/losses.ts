import { gatherElements, logSoftmax, mean, mul, neg, softmax, sub, sum, type Tensor, unsqueeze } from '@tp/core'

/**
 * Mean over a batch of −log of the right class's probability.
 * @param logits float [B,C]
 * @param labels int64 [B]
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return neg(mean(gatherElements(logSoftmax(logits, 1), unsqueeze(labels, 1), 1), [0, 1]))
}

/**
 * Mean over a batch of the Kullback-Leibler divergence of the pruned model's classes from the dense model's, both at a
 * temperature, times its square, so that gradients keep their size (Hinton et al., arXiv:1503.02531).
 * @param logits float [B,C]
 * @param teacher float [B,C] logits of the dense model
 */
export function distillation(logits: Tensor, teacher: Tensor, temperature: number): Tensor {
  const target = softmax(mul(teacher, 1 / temperature), 1)
  const own = logSoftmax(mul(logits, 1 / temperature), 1)
  const theirs = logSoftmax(mul(teacher, 1 / temperature), 1)
  return mul(mean(sum(mul(target, sub(theirs, own)), 1), 0), temperature * temperature)
}
