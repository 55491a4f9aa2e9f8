import { isTpError, type NamedTensors, TpError, type ValueInfo } from '@tp/core'
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

/** Structured cloning drops an error's class and fields, so they cross by themselves. */
export interface SentError {
  readonly code?: string
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
