import type { Plan } from '@tp/compiler'

/** The outcome for a model that has a plan. */
export type ModelReport = PrunedReport | RefusedReport | LeftReport

interface PrunedReport {
  readonly outcome: 'pruned'
  /** As it was passed to `pipeline` or `from_pretrained`. */
  readonly model: string
  readonly plan: Plan
  /** Its encoders, and the layers where their tokens are pruned. */
  readonly encoders: readonly { readonly name: string; readonly layerCount: number; readonly cuts: readonly number[] }[]
}

/** It runs as it is. */
interface RefusedReport {
  readonly outcome: 'refused'
  readonly model: string
  /** As in the README of `@tp/compiler`; and TP_FILES, TP_RUNTIME, TP_LOAD, see ours. */
  readonly code: string
  readonly reason: string
}

/** The file has been pruned already, and runs as it is. */
interface LeftReport {
  readonly outcome: 'pruned before'
  readonly model: string
}

/** A report of a file, which does not know what its model is called. */
export type PruneOutcome = Unnamed<PrunedReport> | Unnamed<RefusedReport> | Unnamed<LeftReport>

type Unnamed<Report> = Omit<Report, 'model'>

export function refused(code: string, reason: string): Unnamed<RefusedReport> {
  return { outcome: 'refused', code, reason }
}

/** Says on the console which models are refused, once for each model and reason. */
export function warnOfRefusals(): (report: ModelReport) => void {
  const said = new Set<string>()
  return (report) => {
    if (report.outcome !== 'refused') return
    const warning = `[transformers] ${report.model} runs as it is, unpruned: ${report.reason} (${report.code})`
    if (!said.has(warning)) console.warn(warning)
    said.add(warning)
  }
}
