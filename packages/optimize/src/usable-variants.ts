import { isRefused, prune, transform } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { NamedVariant } from './candidate.ts'
import type { Skipped } from './options.ts'
import { type Common, scheduleOf } from './pruning.ts'

/**
 * The variants that can prune a model at all given sites, found before anything is measured.
 * @throws TpError with the code of the refusal, for one that is not optional, or if none remains
 */
export function usableVariants(
  model: Model,
  variants: readonly NamedVariant[],
  { sites, pruning = {} }: { readonly sites: readonly number[]; readonly pruning?: Common },
): { readonly variants: readonly NamedVariant[]; readonly skipped: readonly Skipped[] } {
  const schedule = scheduleOf(
    sites,
    sites.map(() => 0.5),
  )
  const usable: NamedVariant[] = []
  const skipped: Skipped[] = []
  for (const variant of variants) {
    const { method, name, optional = false } = variant
    try {
      transform(model, prune({ ...pruning, method, schedule }))
      usable.push(variant)
    } catch (error) {
      if (!isRefused(error)) throw error
      const { code, message } = error.refusal
      if (!optional) throw new TpError(code, 'optimize', `${name}: ${message}`)
      skipped.push({ name, code, reason: message })
    }
  }
  const [first] = skipped
  if (usable.length > 0 || first === undefined) return { variants: usable, skipped }
  const reasons = skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  throw new TpError(first.code, 'optimize', `no method can be used on this model. ${reasons}`)
}
