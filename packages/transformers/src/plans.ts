import { checkPlan, type Plan, transformsOf } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { RepeatReport } from './guard-repeats.ts'
import type { LoadRecipe } from './load.ts'
import type { ModelReport } from './model-report.ts'

export interface PruneModelsOptions {
  /** A plan for each model, by the name that `pipeline` or `from_pretrained` is called with; undefined: do not prune it. */
  readonly plans?: Readonly<Record<string, Plan | undefined>>
  /** For models that `plans` does not name. Default: they are not pruned. */
  readonly defaultPlan?: Plan
  /** Where the plans' methods are looked for: what method packages export as `methods`. */
  readonly methods: readonly MethodEntry[]
  /** Told of each model that there is a plan for, once it is loaded. Default: a warning on the console if it is refused. */
  readonly onModel?: (report: ModelReport) => void
  /**
   * Told of each window of speech in which a decoder repeated itself, and whether the whole encoder has written it down instead. Default: a warning on the console
   * if there is none.
   */
  readonly onRepeat?: (report: RepeatReport) => void
}

/** The recipe for a model; undefined: not pruned; absent: not mentioned. */
export type FindRecipe = (name: string) => { readonly recipe: LoadRecipe | undefined } | undefined

/** @throws TpError TP_PLAN, TP_OPTION for an invalid plan */
export function readPlans({ plans = {}, defaultPlan, methods }: PruneModelsOptions): FindRecipe {
  const recipes = new Map(
    Object.entries(plans).map(([name, plan]) => [name, { recipe: plan && recipeOf(plan, name, methods) }]),
  )
  const otherwise = defaultPlan && { recipe: recipeOf(defaultPlan, 'other models', methods) }
  return (name) => recipes.get(name) ?? otherwise
}

function recipeOf(plan: Plan, of: string, methods: readonly MethodEntry[]): LoadRecipe {
  const where = `transformers, plan for ${of}`
  // An invalid plan throws before a model is loaded.
  transformsOf(checkPlan(plan, where), methods)
  return { plan, methods }
}
