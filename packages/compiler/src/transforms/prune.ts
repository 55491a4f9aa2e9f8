import { type FoundEncoder, findEncoders, withoutDecoders } from '../analyze/find-encoders.ts'
import { type Opened, openModel } from '../normalize/open.ts'
import { keepOutputs, type PrunedModel, pruneModel } from '../prune/prune-model.ts'
import { checkPruneOptions, PRUNE_DEFAULTS, type PruneOptions } from '../prune/prune-options.ts'
import { hasEncoder, hasNoWeights, isUnpacked, saysWhatIsPruned } from './conditions.ts'
import type { Subject, Transform } from './transform.ts'

export interface PruneReport extends Omit<PrunedModel, 'model'> {
  readonly transform: 'prune'
}

/**
 * Prunes tokens between the layers of a model, and eliminates dead ones.
 *
 * Refused with the code of what is in the way: see the README of the package.
 * @throws TpError TP_OPTION, TP_METHOD, TP_PROTECT, TP_ENCODER, TP_OUTPUT; once applied, TP_SCHEDULE and what does not fit the model
 * @example
 * const { model, reports } = transform(dense, prune({ method: clsAttention(), schedule: schedule(6, { keep: 0.7 }) }))
 * console.log(`tokens are pruned at ${reports[0].cuts.length} layers`)
 */
export function prune(options: PruneOptions): Transform<PruneReport> {
  checkPruneOptions(options)
  const { encoder, outputs, method, schedule, deadTokens = PRUNE_DEFAULTS.deadTokens } = options
  const isExact = method.lossless || (typeof schedule !== 'function' && schedule?.size === 0)
  const open = ({ model }: Subject): Opened => openModel(outputs === undefined ? model : keepOutputs(model, outputs))
  const find = (subject: Subject): FoundEncoder[] => {
    const found = findEncoders(subject.once(open).program)
    return isExact ? found : withoutDecoders(found)
  }
  return {
    name: 'prune',
    requires: [isUnpacked, hasNoWeights, hasEncoder(encoder, (subject) => subject.once(find))],
    // Where nothing is pruned nor eliminated there is nothing to remember.
    ensures: deadTokens ? [saysWhatIsPruned] : [],
    apply(subject) {
      const { model, ...facts } = pruneModel(subject.once(open), subject.once(find), options)
      return { model, report: { transform: 'prune', ...facts } }
    },
  }
}
