import { add, div, layerNormalization, mean, mul, sqrt, type Tensor } from '@tp/core'
import { type FusedNode, type Meaning, numberOf } from './fused-operator.ts'

/** com.microsoft.SkipLayerNormalization: the norm of x + skip + bias; output 3 is the sum itself. */
export const skipLayerNormalization: Meaning = (node) => {
  const [, , scale, shift, bias] = node.inputs
  const sum = residual(node, bias)
  if (sum === undefined || scale === undefined) return undefined
  return { outputs: [layerNormalization(sum, scale, shift, epsilonOf(node)), undefined, undefined, sum] }
}

/** com.microsoft.SkipSimplifiedLayerNormalization: the same with the root of the mean square. */
export const skipSimplifiedLayerNormalization: Meaning = (node) => {
  const [, , scale, bias] = node.inputs
  const sum = residual(node, bias)
  if (sum === undefined || scale === undefined) return undefined
  const size = sqrt(add(mean(mul(sum, sum), [sum.rank - 1], { keepDims: true }), epsilonOf(node)))
  return { outputs: [mul(div(sum, size), scale), undefined, undefined, sum] }
}

/** The bias belongs to the branch, not to the stream that the branch is added to. */
function residual(node: FusedNode, bias: Tensor | undefined): Tensor | undefined {
  const [x, skip] = node.inputs
  if (x === undefined || skip === undefined || node.isUsed(1) || node.isUsed(2)) return undefined
  const [branch, stream] = node.firstBuildsOnSecond ? [x, skip] : [skip, x]
  return add(bias === undefined ? branch : add(branch, bias), stream)
}

function epsilonOf({ attributes }: FusedNode): number {
  return numberOf(attributes, 'epsilon', 1e-12)
}
