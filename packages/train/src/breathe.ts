import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'

/** A run, or a decomposition, blocks the event loop: lets timers and signals arrive. @throws TpError TP_ABORTED */
export async function breathe(signal: AbortSignalLike | undefined): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve))
  throwIfAborted(signal, 'train')
}
