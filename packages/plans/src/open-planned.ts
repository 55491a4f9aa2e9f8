import { fromPlan, inspect, type Plan, type RunPlan, transform, transformsOf } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { type CascadeRun, cascade } from '@tp/guard'
import { decodeModel, encodeModel, externalTensors } from '@tp/onnx'
import { type ReadToken, readingPooled } from './reading-pooled.ts'
import { type Route, routed } from './routed.ts'

export interface OpenPlannedOptions {
  /** The methods among which those of the plan are found. */
  readonly methods: readonly MethodEntry[]
  /** Loads one of the plan's models. */
  readonly load: (model: Uint8Array) => Promise<Session>
  /**
   * The output with a state for each token of which only one is read (`pooledToken` of `@tp/data`): it says no more than that one where tokens are
   * pruned.
   */
  readonly pooled?: ReadToken | undefined
  /** Called after every run of a plan with a cascade. */
  readonly onRun?: ((run: CascadeRun) => void) | undefined
}

/**
 * Prunes a model as a plan says, and opens all of it as one session: each run goes to the regime of its size, and uncertain answers
 * of the last one to the dense model, where the plan says so. A text's answer may depend on the size of its run as far as the
 * regimes differ.
 * @param source an ONNX file, dense
 * @throws TpError TP_PLAN for a method that is not among them; TP_WEIGHTS for one that has learned; TP_EXTERNAL_DATA for a model whose
 *   weights are in other files; Refused; what loading throws
 * @example
 * const plan = readRunPlan(JSON.parse(text), 'plan.json')
 * await using session = await openPlanned(bytes, plan, { methods, load: (model) => nodeRuntime().load(model) })
 */
export async function openPlanned(
  source: Uint8Array,
  plan: RunPlan,
  { methods, load, pooled, onRun }: OpenPlannedOptions,
): Promise<Session> {
  const model = decodeModel(source)
  if (externalTensors(model).length > 0) {
    const seen = 'the model keeps weights in other files, and a model made by a plan has no folder of its own'
    throw new TpError('TP_EXTERNAL_DATA', 'plans', `${seen}; prune it (tp prune --plan), and open that file`)
  }
  const read = readingPooled(model, pooled)
  const prune = (own: Plan): Uint8Array => {
    if (fromPlan(own, methods).method.params !== undefined) {
      const seen = `${own.method} works with trained values, which a plan does not hold`
      throw new TpError(
        'TP_WEIGHTS',
        'plans',
        `${seen}; prune with them (tp prune --plan --weights), and open that file`,
      )
    }
    return encodeModel(transform(read, ...transformsOf(own, methods)).model)
  }
  const opened: Session[] = []
  const open = async (bytes: Uint8Array): Promise<Session> => {
    const session = await load(bytes)
    opened.push(session)
    return session
  }
  try {
    const routes: Route[] = []
    for (const { upTo, plan: own } of plan.regimes) {
      const session = await open(prune(own))
      if (upTo !== undefined) routes.push({ upTo, session })
      else if (plan.cascade === undefined) routes.push({ session })
      else routes.push({ session: cascade({ ...plan.cascade, pruned: session, dense: await open(source), onRun }) })
    }
    const [only] = routes as [Route]
    if (routes.length === 1) return only.session
    const found = inspect(model)
    const tokens = found.ok && typeof found.tokens === 'number' ? found.tokens : undefined
    return routed(routes, tokens === undefined ? {} : { tokens })
  } catch (error) {
    await Promise.all(opened.map((session) => session.dispose()))
    throw error
  }
}
