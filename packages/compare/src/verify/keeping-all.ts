import { isRefused, type PruneOptions, type PruningStep, prune, transform } from '@tp/compiler'
import { type Amount, type Method, or, type Schedule, type Site, type Tensor } from '@tp/core'
import type { Model } from '@tp/onnx'

/** A method, and the values that it has learned. */
export type PruningMethod = Pick<PruneOptions, 'method' | 'params'>

/** Keeps every token, inserted by force: above every length, and allowed where the model's own length is less. */
export const ALL_TOKENS = 9999

/** The method with its own computations, but every token is kept, even if it does not follow the schedule's count. */
function keepingAll(method: Method): Method {
  return {
    ...method,
    reduce(site) {
      const { budget } = site
      let selected: Tensor | undefined
      const select = (score: Tensor): Tensor => {
        selected = budget?.select(score)
        return selected as Tensor
      }
      // Not a spread copy: it would call getters that the method does not read, and the model might refuse them.
      const watched: Site = Object.create(site, budget ? { budget: { value: { ...budget, select } } } : {})
      const reduction = method.reduce(watched)
      return reduction.keep === selected ? reduction : { ...reduction, keep: or(reduction.keep, site.attended) }
    },
  }
}

/**
 * A model with the cuts of some prunings, but every token is kept, and scores are traced.
 * @returns undefined where there are no cuts, or a method is not among those that are given
 */
export function withEveryToken(
  source: Model,
  steps: readonly PruningStep[],
  methods: readonly PruningMethod[],
): Model | undefined {
  const cutting = steps.filter(({ cuts }) => cuts.length > 0)
  let model = source
  for (const name of new Set(cutting.map(({ method }) => method))) {
    const own = methods.find(({ method }) => method.name === name)
    if (own === undefined) return undefined
    const schedules = cutting.filter(({ method }) => method === name)
    model = keptWhole(model, own, ({ name: encoder }) =>
      keepAllSchedule(schedules.filter((step) => (step.encoder ?? encoder) === encoder)),
    )
  }
  return cutting.length === 0 ? undefined : model
}

type ScheduleOf = Extract<PruneOptions['schedule'], (...encoder: never) => unknown>

function keptWhole(source: Model, { method, params }: PruningMethod, schedule: ScheduleOf): Model {
  const options = { method: keepingAll(method), ...(params && { params }), schedule, trace: 'scores' } as const
  try {
    return transform(source, prune(options)).model
  } catch (error) {
    if (!isRefused(error)) throw error
    // Where rows cannot be restored, as many as there were are kept.
    return transform(source, prune({ ...options, restore: 'none' })).model
  }
}

function keepAllSchedule(steps: readonly PruningStep[]): Schedule {
  const layers = steps.flatMap(({ schedule }) => Object.keys(schedule).map(Number))
  return new Map(layers.map((layer) => [layer, { kind: 'tokens', value: ALL_TOKENS } satisfies Amount]))
}
