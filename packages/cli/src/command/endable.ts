import { setImmediate } from 'node:timers/promises'

/** Signals by which a user ends a command. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Work that has written nothing yet and may block the event loop: meanwhile SIGINT and SIGTERM end the process at once, as
 * they do without a listener. A listener would run only after the computation, since Node runs it
 * on the same thread.
 */
export async function endable<T>(work: () => T | Promise<T>): Promise<T> {
  // A signal that has come already would be lost with its listener: one whole turn of the event loop hears it.
  for (let half = 0; half < 2; half++) await setImmediate()
  const listeners = ENDING_SIGNALS.map((signal) => ({ signal, all: process.listeners(signal) }))
  for (const { signal } of listeners) process.removeAllListeners(signal)
  try {
    return await work()
  } finally {
    for (const { signal, all } of listeners) for (const listener of all) process.on(signal, listener)
  }
}
