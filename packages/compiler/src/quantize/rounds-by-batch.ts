import type { Model } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import { nodesOf } from './node-names.ts'

/**
 * Whether a model rounds activations to 8 bits by the range of all that is in a batch, padding included: an answer then depends on
 * what it is computed with. Files of `quantize` do so only with `activations: 'tensor'`.
 */
export function roundsByBatch({ proto }: Model): boolean {
  return nodesOf(proto.graph).some((node) => hasTrait(node, 'range of all'))
}
