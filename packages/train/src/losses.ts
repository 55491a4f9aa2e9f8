import {
  add,
  concat,
  gatherElements,
  logSoftmax,
  matmul,
  mean,
  mul,
  neg,
  reshape,
  softmax,
  squeeze,
  stopGradient,
  sub,
  sum,
  swapLast,
  type Tensor,
  unsqueeze,
} from '@tp/core'

/**
 * −log of the right class's probability, of each example: float [B].
 * @param logits float [B,C]
 * @param labels int64 [B]
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return neg(squeeze(gatherElements(logSoftmax(logits, 1), unsqueeze(labels, 1), 1), [1]))
}

/**
 * The Kullback-Leibler divergence of the pruned model's classes from the dense model's, of each example, float [B]; both at
 * a temperature, times its square, so that gradients keep their magnitude (Hinton et al., arXiv:1503.02531).
 * @param logits float [B,C]
 * @param teacher float [B,C] logits of the dense model
 */
export function distillation(logits: Tensor, teacher: Tensor, temperature: number): Tensor {
  const target = softmax(mul(teacher, 1 / temperature), 1)
  const own = logSoftmax(mul(logits, 1 / temperature), 1)
  const theirs = logSoftmax(mul(teacher, 1 / temperature), 1)
  return mul(sum(mul(target, sub(theirs, own)), 1), temperature * temperature)
}

/**
 * One logit as those of two classes, 0 and z, whose softmax is σ(z): with it the cross-entropy is the binary one.
 * @param logit float [B,1]
 * @returns float [B,2]
 */
export function asTwoClasses(logit: Tensor): Tensor {
  return concat([mul(logit, 0), logit], 1)
}

/**
 * Half the squared distance of one logit from the dense model's, of each example: float [B]. Probabilities would say next to
 * nothing of candidates that are all irrelevant, whose order matters nevertheless.
 * @param logit float [B,1]
 * @param teacher float [B,1]
 */
export function squaredError(logit: Tensor, teacher: Tensor): Tensor {
  const distance = squeeze(sub(logit, teacher), [1])
  return mul(mul(distance, distance), 0.5)
}

/**
 * For vectors of length 1, half the squared distance from the dense model's, which is 1 − their cosine, and half those of the
 * similarities to the dense vectors of the batch: a search reads nothing else. For each example, with e the vector and t the dense one,
 *
 *   ½ ‖e_i − t_i‖² + ½ Σ_k ((e_i − t_i) · t_k)²
 *
 * @param vectors float [B,D]
 * @param teacher float [B,D]
 * @param others float [K,D]: the dense vectors of the batch, of which these examples may be a part
 * @returns float [B]
 */
export function embeddingDistance(vectors: Tensor, teacher: Tensor, others: Tensor = teacher): Tensor {
  const distance = sub(vectors, teacher)
  const similarities = matmul(distance, swapLast(others)) // [B,K]
  const half = (x: Tensor): Tensor => mul(sum(mul(x, x), 1), 0.5)
  return add(half(distance), half(similarities))
}

/**
 * The loss of a policy: REINFORCE with the mean reward of an example's samples as its baseline, float [] (Williams 1992;
 * TR-BERT, arXiv:2105.11618). Only `logProb` has a gradient.
 * @param reward float [B], B = copies × examples, with the samples of an example `examples` rows apart
 * @param logProb float [B]
 */
export function policyLoss(reward: Tensor, logProb: Tensor, copies: number): Tensor {
  const samples = reshape(reward, [copies, -1])
  const advantage = reshape(sub(samples, mean(samples, [0], { keepDims: true })), [-1])
  return mul(mean(mul(stopGradient(advantage), logProb), [0]), -1)
}
