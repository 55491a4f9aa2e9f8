import type { NamedTensors } from '@tp/core/runtime'
import type { OrtStartOptions } from '../ort/start-ort.ts'

/** One request at a time goes to the worker; each gets one answer. `load` is the first. */
export type WebWorkerRequest =
  | { readonly kind: 'load'; readonly where: string; readonly model: Uint8Array; readonly options: OrtStartOptions }
  | { readonly kind: 'run'; readonly inputs: NamedTensors }
