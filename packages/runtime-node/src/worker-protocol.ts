import type { NamedTensors } from '@tp/core/runtime'
import type { Gate } from './gate.ts'
import type { LoadSettings } from './open-model.ts'

/** The data that a worker is started with. */
export interface WorkerStart {
  readonly gate: Gate
}

/** One request at a time goes to the worker; each gets one answer. `load` is the first and `close` the last. */
export type NodeWorkerRequest =
  | { readonly kind: 'load'; readonly model: Uint8Array | string; readonly options: LoadSettings }
  | { readonly kind: 'run'; readonly inputs: NamedTensors }
  | { readonly kind: 'close' }
