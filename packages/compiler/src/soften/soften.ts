import type { Model } from '@tp/onnx'
import { chooseEncoders, findEncoders } from '../analyze/find-encoders.ts'
import { openModel } from '../normalize/open.ts'
import { withEqualSizes } from '../program/program.ts'
import { type Refusal, Refused, refusalOf } from '../program/refusal.ts'
import { checkMethod } from '../transform/prune-options.ts'
import type { SoftenOptions, SoftModel } from './soft-model.ts'
import { Softening } from './softening.ts'

/**
 * Puts the soft form of a method into a model: no token is pruned, and the answer changes as if it were, differentiably. The
 * model itself is not changed. A model that cannot be pruned returns a refusal.
 * @throws TpError TP_METHOD for a method that has nothing to learn, TP_SCHEDULE for a layer that does not exist
 */
export function soften(
  source: Model,
  options: SoftenOptions,
): SoftModel | { readonly ok: false; readonly refusal: Refusal } {
  checkMethod(options.method)
  try {
    return withEqualSizes(() => {
      const { program } = openModel(source)
      const [encoder] = chooseEncoders(findEncoders(program), options.encoder)
      if (encoder.earlier !== undefined) {
        throw new Refused('TP_PRUNED', 'this model is pruned already; train the file that it was made from')
      }
      return new Softening(program, encoder, options).run()
    })
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}
