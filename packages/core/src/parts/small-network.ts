import type { Tensor } from '../expression/tensor.ts'
import type { Site, Values } from '../method/site.ts'
import type { LearnedSpec } from '../method/training.ts'
import { add, cast, gelu, matmul, squeeze } from '../ops/index.ts'

type Size = number | string

/** The learned values of {@link smallNetwork}, with `input` inputs, `hidden` hidden units and `output` outputs. */
export function smallNetworkParams(
  input: Size,
  hidden: Size,
  output: Size,
  per: 'layer' | 'model' = 'layer',
): Readonly<Record<string, LearnedSpec>> {
  return {
    weight1: { dims: [input, hidden], init: 'glorot', per },
    bias1: { dims: [hidden], init: 0, per },
    weight2: { dims: [hidden, output], init: 'glorot', per },
    bias2: { dims: [output], init: 0, per },
  }
}

/** Two layers: W₂ · gelu(W₁ · x + b₁) + b₂. x float32 [..,input] → [..,output] */
export function smallNetwork(x: Tensor, param: Values): Tensor {
  const linear = (from: Tensor, layer: 1 | 2): Tensor =>
    add(matmul(from, param[`weight${layer}`] as Tensor), param[`bias${layer}`] as Tensor)
  return linear(gelu(linear(x, 1)), 2)
}

/** The learned values of {@link tokenScore}. */
export const tokenScoreParams: Readonly<Record<string, LearnedSpec>> = smallNetworkParams('D', 32, 1)

/** float [B,N]: a small network's score of each token by its hidden state [B,N,D]. */
export function tokenScore({ hidden, param }: Pick<Site, 'hidden' | 'param'>): Tensor {
  return squeeze(smallNetwork(cast(hidden, 'float32'), param), [2])
}
