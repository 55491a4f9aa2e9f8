import {
  add,
  checkOptions,
  exp,
  type LearnedSpec,
  type Method,
  matmul,
  type NoOptions,
  squeeze,
  type Tensor,
  unsqueeze,
  type Values,
} from '@tp/core'

/** The values that {@link lens} uses at each layer; `fitLens` of @tp/train fits it. */
const params: Readonly<Record<string, LearnedSpec>> = {
  map: { dims: ['D', 'D'], init: 'identity' },
  bias: { dims: ['D'], init: 0 },
  residual: { dims: ['D'], init: 0 },
  residualBias: { dims: [], init: 0 },
  context: { dims: ['D', 'D'], init: 0, per: 'model', optional: true },
}

/**
 * Prunes the tokens whose final states are easiest to predict, and lets a mean over tokens go on counting them by that prediction.
 *
 *   y_j = x_j · W + b               the state of token j after the last layer, predicted        x [B,N,D] → [B,N,D]
 *   score_j = exp(x_j · v + c)      how far y_j will be from it, predicted; the highest are kept                  [B,N]
 *   restored_j = y_j + ȳ · U        ȳ the mean of the kept tokens' states after the last layer                    [B,N,D]
 *
 * For embedders, whose vector is the mean of all tokens: what is pruned is missing in it otherwise. All is learned in closed form
 * from texts without labels (`fitLens` of @tp/train): W and b by ridge regression on the final states of the dense model, v and c on
 * the logarithm of the distances that remain, and U on whole texts with the tokens really pruned, so that the mean over all
 * tokens comes near the dense one: it corrects, too, that kept tokens no longer see the pruned ones. Where the head reads
 * single tokens only the score matters. Predicting final states linearly is the tuned lens (Belrose et al., 2023,
 * arXiv:2303.08112), which reads language models by it; here it chooses tokens and stands for them.
 */
export function lens(options: NoOptions = {}): Method {
  checkOptions('lens', {}, options)
  return Object.freeze<Method>({
    name: 'lens',
    family: 'hybrid',
    params,
    completes: true,
    reduce({ hidden, attended, budget, param }) {
      if (budget === undefined) return { keep: attended }
      const { context } = param
      return {
        keep: budget.select(expectedDistance(hidden, param)),
        final: predictedState(hidden, param),
        ...(context && { context: (kept: Tensor) => matmul(kept, context) }),
      }
    },
  })
}

/** x [B,N,D] → [B,N,D] */
function predictedState(x: Tensor, { map, bias }: Values): Tensor {
  return add(matmul(x, map as Tensor), bias as Tensor)
}

/** x [B,N,D] → [B,N] */
function expectedDistance(x: Tensor, { residual, residualBias }: Values): Tensor {
  const log = squeeze(matmul(x, unsqueeze(residual as Tensor, [1])), [2])
  return exp(add(log, residualBias as Tensor))
}
