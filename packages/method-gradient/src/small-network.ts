import { add, cast, gelu, type LearnedSpec, matmul, type Site, squeeze, type Tensor } from '@tp/core'

/** Hidden size of the network. */
const WIDTH = 32

/** What it learns: weights and biases of its two layers. */
export const networkParams: Readonly<Record<string, LearnedSpec>> = {
  weight1: { dims: ['D', WIDTH], init: 'glorot' },
  bias1: { dims: [WIDTH], init: 0 },
  weight2: { dims: [WIDTH, 1], init: 'glorot' },
  bias2: { dims: [1], init: 0 },
}

/** W₂ · gelu(W₁ · x_j + b₁) + b₂ of each token's state: x [B,N,D] → float [B,N] */
export function smallNetwork({ hidden, param }: Pick<Site, 'hidden' | 'param'>): Tensor {
  const linear = (x: Tensor, layer: 1 | 2): Tensor =>
    add(matmul(x, param[`weight${layer}`] as Tensor), param[`bias${layer}`] as Tensor)
  return squeeze(linear(gelu(linear(cast(hidden, 'float32'), 1)), 2), [2])
}
