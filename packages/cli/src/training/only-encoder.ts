import type { Inspection } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { usageError } from '../arguments/usage-error.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { inspectEncoders } from '../pruning/prune-file.ts'
import type { PlanToLearn } from '../pruning/read-plan.ts'

/**
 * The one encoder in which a method is trained or fitted.
 * @throws RefusalError TP_PRUNED for a model that is pruned already; TpError TP_USAGE for several encoders
 */
export function onlyEncoder({ plan, settings }: PlanToLearn, file: ModelFile, work: 'train' | 'fit'): Inspection {
  const encoders = inspectEncoders(file, settings.encoder)
  const [encoder, ...others] = encoders
  if (others.length > 0) {
    const names = encoders.map((each) => each.encoder).join(' or ')
    const does = work === 'fit' ? 'is fitted' : 'learns'
    throw usageError(`${plan.method} ${does} in one encoder; name it: --encoder ${names}`)
  }
  if (encoder.open > 0) {
    const advice = work === 'fit' ? 'fit to the file' : 'train the file'
    const message = `this model is pruned already; ${advice} that it was made from`
    throw new RefusalError(file.path, { code: 'TP_PRUNED', message })
  }
  return encoder
}
