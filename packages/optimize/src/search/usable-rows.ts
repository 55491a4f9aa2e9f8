import { inspect, isRefused, leaveOut, reportOf, transform } from '@tp/compiler'
import { TpError, truncate } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { Skipped, Variant } from '../options.ts'
import { type Candidate, inForm, namedVariant, pruningOf } from './candidate.ts'
import { type Common, pruned } from './pruning.ts'
import { type CandidateRow, rowsOf, type Sites } from './rows.ts'

/** Layers of a model, maybe without some, where tokens can be pruned: after the others only protected tokens are read. */
export function sitesOf(whole: Model, leftOut: readonly number[] | undefined, { encoder }: Common): Sites {
  const named = encoder === undefined ? {} : { encoder }
  const model = leftOut === undefined ? whole : transform(whole, leaveOut({ layers: leftOut, encoder })).model
  const inspection = inspect(model, named)
  if (!inspection.ok) return { layers: 0, sites: [] }
  const all = inspection.layers.map(({ layer }) => layer).filter((layer) => layer >= inspection.open)
  const amounts = new Map(all.map((layer) => [layer, { kind: 'ratio', value: 0.5 } as const]))
  const { reports } = pruned(model, { method: truncate(), schedule: amounts }, named)
  const sites = reportOf(reports, 'prune')?.cuts.map(({ layer }) => layer) ?? []
  return { layers: inspection.layers.length, sites }
}

interface RowsToTry {
  readonly model: Model
  readonly variants: readonly Variant[]
  readonly sites: Sites
  readonly pruning: Common
  /** The form of all rows. */
  readonly base: Candidate
  readonly onSkipped: (skipped: Skipped) => void
}

/**
 * The rows of the variants that can prune the model, in the form that it has without pruning.
 * @throws TpError with the code of the refusal, for a variant that is not optional
 */
export function usableRows({ model, variants, sites, pruning, base, onSkipped }: RowsToTry): CandidateRow[] {
  return variants.flatMap((variant) => {
    const { leaveOut } = base.variant
    const own = namedVariant(variant, sites.sites)
    const shares = sites.sites.map((_, i) => 0.9 ** (i + 1))
    try {
      const rows = rowsOf(inForm(own, base.variant), sites.layers)
      const { before } = base.variant
      const tried = inForm(own, { ...(before && { before }), ...(leaveOut && { leaveOut }) })
      if (rows.length > 0) pruned(model, pruningOf({ variant: tried, shares }), pruning)
      return rows
    } catch (error) {
      const isRefusal = isRefused(error) || (error instanceof TpError && error.code === 'TP_OPTION')
      if (!isRefusal) throw error
      const { message } = error
      const code = error.code as `TP_${string}`
      if (!variant.optional) throw new TpError(code, 'optimize', `${own.name}: ${message}`)
      onSkipped({ name: own.name, code, reason: message })
      return []
    }
  })
}
