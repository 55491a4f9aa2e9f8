import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { Graph } from '../graph/graph.ts'

/** Where a node's surroundings matter: declared types for what is opaque, data files, and a callback for reasons. */
export interface LiftContext {
  readonly graph?: Graph
  /** Names of sizes that the file declares, in those that are used (`Lifted.resolve`). */
  readonly resolve?: (dim: Dim) => Dim
  readonly note?: (reason: string) => void
  /** Values around the node, for what its body reads. */
  readonly around?: (name: string) => Tensor | undefined
}
