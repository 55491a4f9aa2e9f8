import type { Schedule, Tensor } from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import type { Program } from '../program/program.ts'
import type { Filling, WeighedRecord } from '../program/provenance.ts'
import type { InsertedCut } from './cut.ts'
import type { KeyBias } from './key-bias.ts'
import type { PruneOptions } from './prune-options.ts'
import type { RestorePoint } from './restore-point.ts'
import type { Returning } from './returning.ts'

/** One encoder that is being pruned. Steps read what earlier ones have written here, and add their own. */
export interface Pruning {
  readonly program: Program
  readonly options: PruneOptions
  /** Other encoders of the file are pruned in the same way. */
  readonly isOneOfSeveral: boolean
  /** The pruning at each layer; no-op sites are omitted. */
  readonly schedule: Schedule
  /** Layers where tokens are pruned: those of the schedule, and where it names any the one at which a method acts `before`. */
  readonly cutLayers: ReadonlySet<number>
  /** Tokens that are always kept, as indices among the real ones. */
  readonly protectedTokens: readonly number[]
  /** Types and shapes of the model's outputs before anything was pruned. */
  readonly outputs: ReadonlyMap<string, Tensor>
  readonly keyBias: KeyBias
  readonly returning: Returning
  encoder: Encoder
  /** Where removed tokens are restored. */
  points: readonly RestorePoint[]
  /** The rows that they are restored with: the state that they had, the mean of the kept tokens, or the nearest of them. */
  fill: 'state' | Filling
  /** They are restored at the outputs alone: whatever else reads tokens has the kept ones. */
  atOutputs: boolean
  cuts: readonly InsertedCut[]
  /** For each read of a single token: the value that holds its position. */
  positions: readonly string[]
  /** Outputs that may have fewer rows than before. */
  compact: readonly string[]
  /** The states that say how much each counts, where they do. */
  weighed?: WeighedRecord
}
