import type { NamedTensors, Session } from '@tp/core/runtime'
import { type ComparisonOptions, comparePaired, type SteppedSession, type VariantLatency } from '@tp/metrics'

export interface TurnOptions extends Omit<ComparisonOptions, 'inputsOf'> {
  /** Inputs of each model, where they do not take common ones; as many, in the same order. */
  readonly inputsOf?: readonly (readonly NamedTensors[])[] | undefined
}

/** Times of models in the order of the models. */
export interface TimesInTurns {
  readonly rounds: number
  readonly latencies: readonly VariantLatency[]
}

/**
 * Times models in turns on the same inputs: whatever slows the machine for a while slows all of them. The first one is what the others are
 * compared with. Meant for sessions of one thread.
 * @throws TpError TP_OPTION, TP_ABORTED, and whatever the sessions throw
 */
export async function timeInTurns(
  sessions: readonly (Session | SteppedSession)[],
  inputs: readonly NamedTensors[],
  { inputsOf, ...options }: TurnOptions = {},
): Promise<TimesInTurns> {
  // Names are numbers, which objects keep in order.
  const named = Object.fromEntries(sessions.entries())
  const { rounds, variants } = await comparePaired(named, inputs, {
    ...options,
    ...(inputsOf && { inputsOf: Object.fromEntries(inputsOf.entries()) }),
  })
  return { rounds, latencies: Object.values(variants) }
}

/** Opens models one after another, and closes all of them when `use` has ended. */
export async function withSessions<S extends AsyncDisposable, T>(
  open: readonly (() => Promise<S>)[],
  use: (sessions: readonly S[]) => Promise<T>,
): Promise<T> {
  const sessions: S[] = []
  try {
    for (const load of open) sessions.push(await load())
    return await use(sessions)
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]()
  }
}
