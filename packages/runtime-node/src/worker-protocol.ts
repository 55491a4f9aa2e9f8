import type { NamedTensors } from '@tp/core'
import { isTpError, TpError } from '@tp/core'
import type { Gate } from './gate.ts'
import type { ModelOptions } from './open-model.ts'

/** What a worker is started with. */
export interface WorkerStart {
  readonly gate: Gate
}

/** One request at a time goes to the worker; each gets one answer. `load` is the first and `close` the last. */
export type Request =
  | { readonly kind: 'load'; readonly model: Uint8Array | string; readonly options: ModelOptions }
  | { readonly kind: 'run'; readonly inputs: NamedTensors }
  | { readonly kind: 'endProfile' }
  | { readonly kind: 'close' }

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: SentError }

/** Structured cloning drops an error's class and fields, so they cross by themselves. */
export interface SentError {
  readonly code?: TpError['code']
  readonly where?: string
  readonly message: string
  readonly cause?: string
}

export function sendError(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error)
  if (!isTpError(error)) return { message }
  const { code, where, cause } = error
  const sent = { code, where, message: message.slice(`[${where}] `.length) }
  return cause instanceof Error ? { ...sent, cause: cause.message } : sent
}

export function receiveError({ code, where, message, cause }: SentError): Error {
  if (code === undefined || where === undefined) return new Error(message)
  return new TpError(code as `TP_${string}`, where, message, cause === undefined ? {} : { cause: new Error(cause) })
}
