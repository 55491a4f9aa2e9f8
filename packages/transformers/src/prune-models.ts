import { AutoConfig, ModelRegistry, PreTrainedModel } from '@huggingface/transformers'
import { checkPlan, fromPlan, type Plan } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import { LOAD, type Load, type Recipe } from './load.ts'
import { type ModelReport, type Outcome, refused, warnOfRefusals } from './model-report.ts'
import { reasonOf } from './prune-file.ts'
import { type SessionHook, sessionHook } from './prune-sessions.ts'
import { replace } from './replace.ts'

export interface PruneModelsOptions {
  /** A plan for each model, by the name that `pipeline` or `from_pretrained` is called with; undefined: leave it as it is. */
  readonly plans?: Readonly<Record<string, Plan | undefined>>
  /** For models that `plans` does not name. Default: they stay as they are. */
  readonly defaultPlan?: Plan
  /** Where the plans' methods are looked for: what method packages export as `methods`. */
  readonly methods: readonly MethodEntry[]
  /** Told of each model that there is a plan for, once it is loaded. Default: a warning on the console if it is refused. */
  readonly onModel?: (report: ModelReport) => void
}

export interface Pruning {
  /** Models that are loaded from now on stay as they are; those loaded before stay pruned. */
  dispose(): void
}

type FromPretrained = typeof PreTrainedModel.from_pretrained
type Options = NonNullable<Parameters<FromPretrained>[1]>

/**
 * From now on transformers.js prunes a model that there is a plan for before it makes its session. Names, shapes and types of
 * inputs and outputs stay. A model that cannot be pruned runs as it is.
 * @throws TpError TP_PLAN, TP_OPTION for a plan that is none; whether it fits a model is seen when that is loaded
 */
export function pruneModels({
  plans = {},
  defaultPlan,
  methods,
  onModel = warnOfRefusals(),
}: PruneModelsOptions): Pruning {
  const recipes = new Map(Object.entries(plans).map(([name, plan]) => [name, recipeOf(plan, name, methods)]))
  const defaultRecipe = recipeOf(defaultPlan, 'defaultPlan', methods)
  const hook = sessionHook()
  let isActive = true

  const restore = replace(PreTrainedModel, 'from_pretrained', (original: FromPretrained): FromPretrained => {
    return async function (this: typeof PreTrainedModel, name, options = {}) {
      const recipe = recipes.has(name) ? recipes.get(name) : defaultRecipe
      if (!isActive || recipe === undefined) return original.call(this, name, options)
      const config = await AutoConfig.from_pretrained(name, options)
      const load: Load = { recipe }
      const session_options = { ...options.session_options, [LOAD]: load }
      const outcome = await whyNot(name, { ...options, config }, hook)
      const model = await original.call(this, name, {
        ...options,
        config,
        ...(outcome === undefined && { session_options }),
      })
      onModel({ model: name, ...(outcome ?? load.outcome ?? UNSEEN) })
      return model
    }
  })

  return Object.freeze({
    dispose() {
      isActive = false
      restore()
      hook.remove()
    },
  })
}

const UNSEEN = refused(
  'TP_RUNTIME',
  'its session was made by another copy of onnxruntime than the one that is installed with @huggingface/transformers',
)

/** Why a model cannot be pruned, as far as that is known before it is loaded; makes ready what is needed otherwise. */
async function whyNot(name: string, options: Options, hook: SessionHook): Promise<Outcome | undefined> {
  try {
    const files = (await ModelRegistry.get_model_files(name, options)).filter((file) => file.endsWith('.onnx'))
    if (files.length > 1) {
      const list = files.map((file) => file.replace(/^.*\//, '')).join(', ')
      return refused(
        'TP_FILES',
        `it consists of several files (${list}), and what one of them gives out the others read`,
      )
    }
    await hook.put()
    return undefined
  } catch (error) {
    return refused(...reasonOf(error))
  }
}

function recipeOf(plan: Plan | undefined, where: string, methods: readonly MethodEntry[]): Recipe | undefined {
  if (plan === undefined) return undefined
  const options = fromPlan(checkPlan(plan, `transformers, plan for ${where}`), methods)
  if (plan.restore !== 'none') return { plan, options }
  throw new TpError(
    'TP_PLAN',
    `transformers, plan for ${where}`,
    'restore is "none", with which outputs have rows for fewer tokens than pipelines expect; leave it out',
  )
}
