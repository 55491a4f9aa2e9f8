import type { Reduction } from '@tp/core'
import type { SiteName } from '../analyze/sites.ts'

/** A cut that was put into the graph, by the names of its values. */
export interface InsertedCut {
  readonly layer: number
  readonly site: SiteName
  /** [b,n,D] before and [b,k,D] after */
  readonly before: string
  readonly after: string
  /** int64 [b,k,1] */
  readonly indices: string
  /** float [b,k] original index of each kept token */
  readonly position: string
  /** float [b,k] the same among the real tokens of the input */
  readonly place: string
  /** bool [b,k]; absent where every slot holds a kept token */
  readonly valid: string | undefined
  /** float [b,k] tokens of the input that each one stands for; absent where none were merged */
  readonly size: string | undefined
  /** float [b,k] what the method adds to the scores of later keys; absent: nothing */
  readonly keyBias: string | undefined
  /** bool [b,k]: not what became of the slot's token, but of all that were pruned; absent where there is none */
  readonly fused: string | undefined
  /** float [b,n] the slot that each arriving token is in, alone or as a part of another, from 1; 0: dropped. Absent where none are merged, or unless requested. */
  readonly slotOfEach: string | undefined
  /** [b,n,D] what the tokens that arrive are restored with downstream of the last layer if they are pruned; absent: `before` */
  readonly final: string | undefined
  /** float32 [b,D] → [b,D] what is added to these, of the mean of the kept tokens' states there; absent: nothing */
  readonly context: Reduction['context'] | undefined
  /** float [b,n] scores by which the arriving tokens were ranked; absent where they are not requested, or no score decides */
  readonly scores: string | undefined
  /** float [b] share of the score, and of the tokens, that is kept; absent unless asked for */
  readonly mass: string | undefined
  readonly kept: string | undefined
  /** The choice was made by which tokens carry a signal. */
  readonly bySignal: boolean
  /** Rows keep different numbers of tokens, as the data decide. */
  readonly ragged: boolean
  /** Values that follow the cut besides the stream (masks, position biases) → their sources. */
  readonly followers: ReadonlyMap<string, string>
}
