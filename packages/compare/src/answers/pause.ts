const { setImmediate } = globalThis as { readonly setImmediate?: (then: () => void) => void }

/** A run may block the event loop: lets timers and signals run. Pages have only timers. */
export function pause(): Promise<void> {
  return new Promise((resolve) => (setImmediate ?? setTimeout)(resolve))
}
