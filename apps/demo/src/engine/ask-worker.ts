import { TpError } from '@tp/core'
import { receiveError, type SentError } from '@tp/core/runtime'

/** The answer of a worker to a request, one to each, in order. */
export type PageWorkerAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: SentError }

/**
 * Asks a worker, and waits for its answer.
 * @param what who it is, for the error if it does not start
 * @throws TpError TP_WORKER, or what the worker has thrown
 */
export function askWorker<T>(
  worker: Worker,
  what: string,
  request: unknown,
  transfer: Transferable[] = [],
): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new TpError('TP_WORKER', 'demo', message || `the ${what} did not load`))
    worker.onmessage = ({ data }: MessageEvent<PageWorkerAnswer<T>>) => {
      if (data.ok) resolve(data.value)
      else reject(receiveError(data.error))
    }
    worker.postMessage(request, transfer)
  })
}
