import type { NamedTensors, SentError, ValueInfo } from '@tp/core/runtime'
import type { StartOptions } from '../ort/start-ort.ts'

/** One request at a time goes to the worker; each gets one answer. `load` is the first. */
export type Request =
  | { readonly kind: 'load'; readonly where: string; readonly model: Uint8Array; readonly options: StartOptions }
  | { readonly kind: 'run'; readonly inputs: NamedTensors }

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: SentError }

/** The answer to `load`. */
export interface Declared {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
}
