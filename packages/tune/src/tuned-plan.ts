import type { Plan, RegimesPlan } from '@tp/compiler'
import type { Interval } from '@tp/eval/metrics'
import type { Skipped } from './options.ts'
import type { Cell } from './regimes.ts'

/** What to do to a model on a device, as JSON (`checkRegimes` of @tp/compiler reads it). */
export interface TunedPlan extends RegimesPlan {
  /** What the dense model answers again, of runs of the last regime: options of `cascade` of @tp/guard. */
  readonly cascade?: TunedCascade
  /** What it rests on. */
  readonly figures: Figures
}

export interface TunedCascade {
  readonly uncertainty: 'probability'
  /** Answers that are at least so uncertain are run again. */
  readonly threshold: number
  /** Of the examples to choose by, so many were. */
  readonly share: number
}

export interface Figures {
  /** Points of accuracy that were allowed, … */
  readonly maxLoss: number
  /** … and whether as the upper end of the interval, so that the plan loses more with probability 2.5 % at most. */
  readonly confident: boolean
  /** Points lost on examples that nothing was chosen by, with 95 % interval, paired with dense; none where nothing is pruned. */
  readonly loss?: Interval
  /** The same by the dense model's own probabilities instead of labels: a narrower interval, too strict as far as it is too sure. */
  readonly expectedLoss?: Interval
  /** Optional variants that were not tried; absent where all were. */
  readonly skipped?: readonly Skipped[]
  readonly examples: number
  readonly data: string
  /** Milliseconds an example, as the latency table expects them, with what is run again. */
  readonly expectedMs?: { readonly dense: number; readonly pruned: number }
  /**
   * The fastest plan with one ratio at all layers, or at all but the first, and nothing run again, chosen and verified the same
   * way: what tuning is to beat.
   */
  readonly uniform?: Plan
  /** What was measured end to end, by shape; with a cascade, after the most that its share of dense runs costs there. */
  readonly grid: readonly Cell[]
  readonly runtime: string
  readonly version: string
  readonly device: string
  readonly date: string
}
