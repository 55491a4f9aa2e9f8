import { effect, type ReadonlySignal } from '@preact/signals'
import type { Plan } from '@tp/compiler'
import { tokensByLayer } from '../engine/tokens-by-layer.ts'
import type { WorkbenchFindings } from './findings.ts'
import type { WorkbenchModel } from './open-model.ts'
import { tokensBySchedule } from './tokens-by-schedule.ts'

/** Counts for every setting at once, also while a slider moves; a newer setting takes the turn of an older one. */
export function watchArithmetic(
  opening: Promise<WorkbenchModel | { readonly ok: false }>,
  plan: ReadonlySignal<Plan>,
  { result, inspection, arithmetic }: WorkbenchFindings,
): () => void {
  let current = new AbortController()
  return effect(() => {
    current.abort()
    current = new AbortController()
    const { signal } = current
    const shownPlan = plan.value
    const layerCount = inspection.value?.layers.length
    if (result.value === undefined || layerCount === undefined) {
      arithmetic.value = undefined
      return
    }
    const { sample, trace, plan: ran } = result.value
    const hasRun = JSON.stringify(ran) === JSON.stringify(shownPlan)
    const count = sample.real.filter(Boolean).length
    const tokens = hasRun ? tokensByLayer(trace, layerCount, count) : tokensBySchedule(shownPlan, layerCount, count)
    arithmetic.value = { tokens, hasRun, work: undefined }
    if (tokens === undefined) return
    const sizes = { batch: 1, tokens: sample.real.length, kept: Object.fromEntries(tokens.entries()) }
    opening
      .then((model) => (model.ok ? model.compiler.work(shownPlan, sizes, signal) : undefined))
      .then((work) => {
        if (!signal.aborted) arithmetic.value = { tokens, hasRun, work }
      })
      // Without a count there is none to show; running it reports what is wrong with the setting.
      .catch(() => {})
  })
}
