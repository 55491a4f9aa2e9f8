import type { Inspection } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import type { Pruned, PruningSettings } from './prune-file.ts'

export interface VerifyOptions {
  /** What is pruned, … */
  readonly file: ModelFile
  /** … which is not what lies at its path where layers were left out first. */
  readonly isShallow: boolean
  readonly model: Inspection
  readonly pruned: Pruned
  /** Where the pruned model can be loaded from. */
  readonly path: string
  readonly settings: PruningSettings
  readonly signal: AbortSignal
}
