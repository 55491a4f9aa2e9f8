import type { WorkerHandle } from '../platform/platform.ts'

/** The browser's own worker. */
export function handleOf(worker: Worker): WorkerHandle {
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data)),
    onFailure(listener) {
      // An error without a message is that of a script which did not load.
      worker.addEventListener('error', ({ message }) => listener(message || 'its script could not be loaded'))
      worker.addEventListener('messageerror', () => listener('it sent what cannot be received'))
    },
    setBusy: () => {},
    end: () => worker.terminate(),
  }
}
