import type { VariantLatency } from '@tp/compare'
import type { Inspection, Plan } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import { type SafeDefault, type SafeMethod, safeDefault } from './safe-default.ts'
import { type MeasuredSpeeds, type SpeedOptions, speedsOf } from './speeds.ts'

export interface PruneSafelyOptions<Made> extends Omit<SpeedOptions, 'inspection'> {
  /** The findings of `inspect` about the encoders that are pruned. */
  readonly encoders: readonly [Inspection, ...Inspection[]]
  /** Prunes the model by a plan. */
  readonly prune: (plan: Plan) => Promise<Made> | Made
  /** Called before models are timed. */
  readonly onTiming?: (() => Promise<void> | void) | undefined
}

/** A model as it was pruned without data, how fast it is, and why it was pruned so. */
export interface SafelyPruned<Made> {
  readonly made: Made
  readonly why: SafeChoice
  /** Compared with the dense model. */
  readonly speed: VariantLatency['speedup']
  /** Tokens of the text that was timed; absent for images and sounds. */
  readonly tokens?: number
}

/** The pruning that suits the head; where that was not taken, the reason: it is refused, or it is slower here than what is exact. */
export type SafeChoice =
  | SafeDefault
  | { readonly refused: SafeMethod; readonly message: string }
  | { readonly slower: SafeMethod; readonly speedup: number }

/** Times as fast as what is exact that a pruning without examples must be: it may lose something. */
const WORTH_IT = 1.05

/**
 * Prunes a model without data: by the setting measured to be safe for its head, if that is faster on this machine than
 * the exact one, and else by the exact one.
 * @throws what `prune`, `load` and sessions throw; a method that does not suit the model is not an error
 * @example
 * const inspection = inspect(model)
 * if (!inspection.ok) throw new Error(inspection.refusal.message)
 * const { made, speed } = await pruneSafely(model, {
 *   encoders: [inspection],
 *   prune: (plan) => transform(model, ...transformsOf(plan, methods)),
 *   load: (own) => nodeRuntime().load(encodeModel(own), { threads: 1 }),
 * })
 */
export async function pruneSafely<Made extends { readonly model: Model }>(
  model: Model,
  { encoders, prune, onTiming, ...timing }: PruneSafelyOptions<Made>,
): Promise<SafelyPruned<Made>> {
  const safe = safeDefault(model, encoders)
  const exact = await prune({ format: 1, method: 'none' })
  await onTiming?.()
  const speeds = (...made: readonly Made[]): Promise<MeasuredSpeeds> =>
    speedsOf(
      model,
      made.map((each) => each.model),
      { inspection: encoders[0], ...timing },
    )
  const chosen = (made: Made, why: SafeChoice, { speedups, tokens }: MeasuredSpeeds, i = 0): SafelyPruned<Made> => ({
    ...{ made, why, speed: speedups[i] as VariantLatency['speedup'] },
    ...(tokens !== undefined && { tokens }),
  })
  if ('exact' in safe) return chosen(exact, safe, await speeds(exact))
  const { method, keep } = safe
  let fast: Made
  let both: MeasuredSpeeds
  try {
    fast = await prune({ format: 1, method, keep })
    both = await speeds(exact, fast)
  } catch (error) {
    // The runtime, too, may not take what the method makes of the model; if it takes nothing, timing what is exact says so.
    if (!isTpError(error) || error.code === 'TP_ABORTED') throw error
    return chosen(exact, { refused: safe, message: error.message }, await speeds(exact))
  }
  const [ofExact, ofFast] = both.speedups.map(({ value }) => value) as [number, number]
  return ofFast >= WORTH_IT * ofExact
    ? chosen(fast, safe, both, 1)
    : chosen(exact, { slower: safe, speedup: ofFast }, both)
}
