import { isTypedArray, type TensorLike, type TypedArray } from '../array.ts'
import { asError, isTpError, TpError } from '../errors.ts'
import type { NamedTensors } from './runtime.ts'

// Messages between a runtime and the worker in which it computes.

/** Copies that own their whole buffer: a view sent to a worker would transfer its whole buffer. */
export function copyTensors(tensors: NamedTensors): NamedTensors {
  const copies: Record<string, TensorLike> = {}
  for (const [name, { type, dims, data }] of Object.entries(tensors)) {
    copies[name] = { type, dims: [...dims], data: copyData(data) }
  }
  return copies
}

/** A copy of a tensor's elements in a buffer of their own. */
export function copyData(data: TensorLike['data']): TensorLike['data'] {
  if (!isTypedArray(data)) return [...data]
  // By name and not `data.constructor`, which may be Node's pooled Buffer or belong to another realm.
  const name = data[Symbol.toStringTag] as keyof typeof globalThis
  return new (globalThis[name] as new (data: TypedArray) => TypedArray)(data)
}

/** The buffers to transfer along with tensors that own them. */
export function buffersOf(tensors: NamedTensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of Object.values(tensors)) if (isTypedArray(data)) buffers.add(data.buffer as ArrayBuffer)
  return [...buffers]
}

/** Structured cloning drops an error's class and fields, so they are sent separately. */
export interface SentError {
  readonly code?: TpError['code']
  readonly where?: string
  readonly message: string
  readonly cause?: string
}

export function sendError(thrown: unknown): SentError {
  const error = asError(thrown)
  const { message } = error
  if (!isTpError(error)) return { message }
  const { code, where, cause } = error
  const sent = { code, where, message: message.slice(`[${where}] `.length) }
  return cause instanceof Error ? { ...sent, cause: cause.message } : sent
}

export function receiveError({ code, where, message, cause }: SentError): Error {
  if (code === undefined || where === undefined) return new Error(message)
  return new TpError(code as `TP_${string}`, where, message, cause === undefined ? {} : { cause: new Error(cause) })
}

/** The answer of a worker or a child process to one request. */
export type WorkerAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: SentError }
