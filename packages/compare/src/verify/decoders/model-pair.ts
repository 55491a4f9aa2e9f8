import type { AbortSignalLike, Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'

/** A model and what it was changed to, both loaded. */
export interface ModelPair {
  /** The model that was changed, … */
  readonly source: Model
  /** … a session of it, … */
  readonly dense: Session
  /** … and one of what it was changed to. */
  readonly changed: Session
  readonly signal?: AbortSignalLike | undefined
}
