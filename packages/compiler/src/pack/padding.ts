import type { NodeProto } from '@tp/onnx'
import { operatorOf } from '../operators/traits.ts'

/**
 * The contents of the padding rows in the padded form of a packed value:
 * `any`: the results of the model for padding, which no answer depends on;
 * `zero`: 0, since the mask has made it so;
 * `masked`: what the model makes of such zeros, which may count (a norm that is at least 10⁻¹²).
 */
export type PaddingRows = 'any' | 'zero' | 'masked'

/**
 * The rows of padding of a node's results.
 * @param inputs what its inputs have there; undefined for those that are the same for all examples
 */
export function paddingOf(node: NodeProto, inputs: readonly (PaddingRows | undefined)[]): PaddingRows {
  const zeroFrom = operatorOf(node)?.zeroFrom
  if (zeroFrom === 'any' && inputs.includes('zero')) return 'zero'
  if (inputs.includes('masked')) return 'masked'
  if (!inputs.includes('zero')) return 'any'
  const isZero = (input: PaddingRows | undefined): boolean => input === 'zero'
  switch (zeroFrom) {
    case 'first':
      return isZero(inputs[0]) ? 'zero' : 'masked'
    case 'all':
      return inputs.every(isZero) ? 'zero' : 'masked'
    default:
      return 'masked'
  }
}
