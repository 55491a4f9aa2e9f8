import type { Model } from '@tp/onnx'
import { chooseEncoders, findEncoders, withoutDecoders } from '../analyze/find-encoders.ts'
import { openModel } from '../normalize/open.ts'
import { withEqualSizes } from '../program/program.ts'
import { Refused, refusing } from '../program/refusal.ts'
import { checkMethod } from '../prune/prune-options.ts'
import type { SoftenOptions, SoftModel } from './soft-model.ts'
import { Softening } from './softening.ts'

/**
 * Puts the soft form of a method into a model: no token is pruned, and the answer changes as if it were, differentiably. The
 * model itself is not changed. Returns expressions to train, and not a model, so it is not a transform.
 * @throws Refused for a model that cannot be pruned, or is pruned already; TpError TP_METHOD for a method that has nothing to learn,
 * TP_SCHEDULE for a layer that does not exist
 * @example
 * const soft = soften(model, { method: ltp(), layers: [1, 2, 3], params })
 * const logits = soft.value('logits')
 */
export function soften(source: Model, options: SoftenOptions): SoftModel {
  checkMethod(options.method)
  return refusing(() =>
    withEqualSizes(() => {
      const { program } = openModel(source)
      const [encoder] = chooseEncoders(withoutDecoders(findEncoders(program)), options.encoder)
      if (encoder.earlier !== undefined) {
        throw new Refused('TP_PRUNED', 'this model is pruned already; train the file that it was made from')
      }
      return new Softening(program, encoder, options).run()
    }),
  )
}
