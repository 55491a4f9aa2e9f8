import type { Plan } from '@tp/compiler'
import type { RepeatReport } from './guard-repeats.ts'

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
  const warn = warnOnce()
  return (report) => {
    if (report.outcome === 'refused') warn(`${report.model} runs as it is, unpruned: ${report.reason} (${report.code})`)
  }
}

const REPEATS = 'TP_REPEATS'

/** Says on the console of which models a text repeats itself that no whole encoder could write, once for each model. */
export function warnOfRepeats(): (report: RepeatReport) => void {
  const warn = warnOnce()
  return ({ model, by }) => {
    if (by === 'whole') return
    const advice = 'load the dense model and let pruneModels prune it'
    warn(`a text of ${model} repeats itself, and its file prunes other positions than padding; ${advice} (${REPEATS})`)
  }
}

function warnOnce(): (text: string) => void {
  const said = new Set<string>()
  return (text) => {
    if (!said.has(text)) console.warn(`[transformers] ${text}`)
    said.add(text)
  }
}
