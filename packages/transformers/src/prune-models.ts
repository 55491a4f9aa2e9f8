import { PreTrainedModel } from '@huggingface/transformers'
import { loadPruned } from './load-pruned.ts'
import { warnOfRefusals, warnOfRepeats } from './model-report.ts'
import { type FindRecipe, type PruneModelsOptions, readPlans } from './plans.ts'
import { replace } from './replace.ts'
import { sessionHook } from './session-hook.ts'

export interface PipelinePruning {
  /** Models that are loaded from now on are not pruned; those loaded before remain pruned. */
  dispose(): void
}

interface InForce {
  readonly find: FindRecipe
  readonly onModel: NonNullable<PruneModelsOptions['onModel']>
  readonly onRepeat: NonNullable<PruneModelsOptions['onRepeat']>
}

/** The latest last. One list for the program, as there is one transformers.js. */
const inForce: InForce[] = []
let remove: (() => void) | undefined

/**
 * From now on transformers.js prunes a model that there is a plan for before it makes its session. Names, shapes and types of
 * inputs and outputs stay. A model that cannot be pruned runs as it is. Of several calls, the last that has a plan for a model
 * counts.
 * @throws TpError TP_PLAN, TP_OPTION for an invalid plan; whether it fits a model is checked when that is loaded
 * @example
 * pruneModels({ methods, defaultPlan: { format: 1, method: 'received-attention', keep: 0.7 } })
 * const classify = await pipeline('text-classification', 'me/my-model') // is pruned as it is loaded
 */
export function pruneModels(options: PruneModelsOptions): PipelinePruning {
  const { onModel = warnOfRefusals(), onRepeat = warnOfRepeats() } = options
  const own: InForce = { find: readPlans(options), onModel, onRepeat }
  inForce.push(own)
  remove ??= putHooks()
  return Object.freeze({
    dispose() {
      if (inForce.includes(own)) inForce.splice(inForce.indexOf(own), 1)
      if (inForce.length > 0) return
      remove?.()
      remove = undefined
    },
  })
}

function putHooks(): () => void {
  const hook = sessionHook(PreTrainedModel.from_pretrained.bind(PreTrainedModel))
  const restore = replace(PreTrainedModel, 'from_pretrained', (original) => {
    return async function (this: typeof PreTrainedModel, ...args: Parameters<typeof original>) {
      const own = inForce.findLast(({ find }) => find(args[0]) !== undefined)
      const recipe = own?.find(args[0])?.recipe
      if (own === undefined || recipe === undefined) return original.apply(this, args)
      const { model, report } = await loadPruned(original.bind(this), args, recipe, hook, own.onRepeat)
      // Disposed meanwhile: whether the model was pruned was chance.
      if (inForce.includes(own)) own.onModel(report)
      return model
    }
  })
  return () => {
    restore()
    hook.remove()
  }
}
