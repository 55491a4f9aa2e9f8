import { chooseEncoders, findEncoders } from '../analyze/find-encoders.ts'
import { openModel } from '../normalize/open.ts'
import { packModel } from '../pack/pack-model.ts'
import { raiseOpset } from '../pack/raise-opset.ts'
import { encodersOf, opened } from './analysis.ts'
import { hasEncoder, isPackedNow, isUnpacked } from './conditions.ts'
import type { Transform } from './transform.ts'

export interface PackReport {
  readonly transform: 'pack'
  /** Attentions that are computed over each example's own tokens; the others are still over padded ones. Undefined where none has padding. */
  readonly attentions: number | undefined
  /** Values that one operator rounds to 8 bits, where there were five or six. */
  readonly rounded: number
}

/**
 * Makes a model, pruned or not, work on the tokens of all examples of a batch one after the other, so that padding costs nothing. It
 * has the same inputs and outputs, and the same answers; rows of outputs that stand for padding are 0 where nothing else is known of
 * them. Rounding and scales of 8-bit products become two operators, which is also done where all examples are equally long. The file has a function for each
 * operator of packed tokens, which any ONNX runtime computes; `@tp/runtime-native` has faster kernels for them.
 *
 * Refused: TP_OPSET for an old model that cannot be written in opset 13, TP_PACK where nothing is gained or the model is packed already, and what cannot be pruned; a decoder without caches is packed, since it loses no token.
 * @example
 * const { model } = transform(dense, prune({ method, schedule }), pack())
 */
export function pack(): Transform<PackReport> {
  return {
    name: 'pack',
    requires: [isUnpacked, hasEncoder(undefined)],
    ensures: [isPackedNow],
    apply(subject) {
      const raised = raiseOpset(subject.model)
      const program = raised === subject.model ? opened(subject) : openModel(raised)
      const encoders = raised === subject.model ? encodersOf(subject) : findEncoders(program.program)
      const { model, attentions, rounded } = packModel(program, chooseEncoders(encoders, undefined))
      return { model, report: { transform: 'pack', attentions, rounded } }
    },
  }
}
