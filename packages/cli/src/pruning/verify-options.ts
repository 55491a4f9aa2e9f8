import type { Inspection, Pruned } from '@tp/compiler'
import type { Method } from '@tp/core'
import type { ModelFile } from '../model/model-file.ts'
import type { PruningSettings } from './request.ts'

export interface VerifyOptions {
  readonly file: ModelFile
  readonly model: Inspection
  readonly pruned: Pruned
  /** Where the pruned model can be loaded from. */
  readonly path: string
  readonly method: Method
  readonly settings: PruningSettings
  readonly signal: AbortSignal
}
