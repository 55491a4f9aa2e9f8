import type { Plan, RegimesPlan } from '@tp/compiler'
import type { Interval } from '@tp/eval'
import type { Cell } from './regimes.ts'

/** What to do to a model on a device, as JSON (`checkRegimes` of @tp/compiler reads it). */
export interface TunedPlan extends RegimesPlan {
  /** What it rests on. */
  readonly figures: Figures
}

export interface Figures {
  /** Points of accuracy that were allowed. */
  readonly maxLoss: number
  /** Points lost on examples that nothing was chosen by, with 95 % bootstrap interval, paired with dense; none where nothing is pruned. */
  readonly loss?: Interval
  /** The same by the dense model's own probabilities instead of labels: a narrower interval, too strict as far as it is too sure. */
  readonly believedLoss?: Interval
  readonly examples: number
  readonly data: string
  /** Milliseconds an example, as the latency table expects them. */
  readonly expectedMs?: { readonly dense: number; readonly pruned: number }
  /** The fastest plan with one ratio at all blocks, or at all but the first, chosen and verified the same way: what tuning is to beat. */
  readonly uniform?: Plan
  /** What was measured end to end, by shape. */
  readonly grid: readonly Cell[]
  readonly runtime: string
  readonly version: string
  readonly device: string
  readonly date: string
}
