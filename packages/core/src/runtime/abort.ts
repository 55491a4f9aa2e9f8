import { TpError } from '../errors.ts'

/** The part of an `AbortSignal` that the toolkit uses, so that neither DOM's nor Node's types are needed. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The error of everything that ends because of a signal; its cause is the signal's reason. */
export function abortError(where: string, signal: AbortSignalLike): TpError {
  return new TpError('TP_ABORTED', where, 'aborted by the signal that was given', { cause: signal.reason })
}

/** @throws TpError TP_ABORTED if the signal is aborted */
export function throwIfAborted(signal: AbortSignalLike | undefined, where: string): void {
  if (signal?.aborted) throw abortError(where, signal)
}
