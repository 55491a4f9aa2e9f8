import type { SoftenOptions } from '@tp/compiler'
import type { Method } from '@tp/core'

/** A method that learns where to prune. */
export interface SoftMethod {
  readonly method: Method
  /** Layers at which tokens are to be pruned. */
  readonly layers: readonly number[]
  /** Target share of the dense layers' FLOPs, 0 … 1; absent: whatever the method's own losses lead to. */
  readonly targetFlops?: number
  /** Name of the encoder, in a file that holds several. */
  readonly encoder?: string
  /** Protected positions; default: those that the head reads. */
  readonly protect?: NonNullable<SoftenOptions['protect']>
  /** A segment that is protected as a whole, as in `PruneOptions`. */
  readonly protectSegment?: number
  readonly separator?: number
}
