import { TpError } from '@tp/core'
import type { ModelSignature, WorkerAnswer } from '@tp/core/runtime'
import {
  type AbortSignalLike,
  abortError,
  buffersOf,
  copyTensors,
  type NamedTensors,
  receiveError,
  type SessionBackend,
} from '@tp/core/runtime'
import type { OrtStartOptions } from '../ort/start-ort.ts'
import type { WorkerHandle } from '../platform/platform.ts'
import type { WebWorkerRequest } from './protocol.ts'

/**
 * A model in a worker of its own, so that runs do not block the caller's thread. Ending the worker is also the only way
 * to release the memory of wasm.
 * @param model is transferred to the worker
 * @throws TpError TP_WORKER, TP_ABORTED, and what loading throws
 */
export async function openModelInWorker(
  where: string,
  start: () => WorkerHandle,
  model: Uint8Array<ArrayBuffer>,
  options: OrtStartOptions,
  signal: AbortSignalLike | undefined,
): Promise<SessionBackend> {
  const worker = start()
  let pending: { resolve(value: unknown): void; reject(error: Error): void } | undefined
  let gone: TpError | undefined

  function end(reason: TpError): void {
    gone ??= reason
    worker.end()
    pending?.reject(gone)
    pending = undefined
  }

  worker.onMessage((message) => {
    const waiting = pending
    pending = undefined
    worker.setBusy(false)
    const answer = message as WorkerAnswer
    if (answer.ok) waiting?.resolve(answer.value)
    else waiting?.reject(receiveError(answer.error))
  })
  worker.onFailure((reason) => end(workerError(where, reason)))

  function ask<T>(request: WebWorkerRequest, transfer: ArrayBuffer[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (gone !== undefined) return reject(gone)
      pending = { resolve: (value) => resolve(value as T), reject }
      worker.setBusy(true)
      worker.send(request, transfer)
    })
  }

  const onAbort = (): void => end(abortError(where, signal as AbortSignalLike))
  signal?.addEventListener('abort', onAbort)
  let declared: ModelSignature
  try {
    declared = await ask<ModelSignature>({ kind: 'load', where, model, options }, [model.buffer])
  } catch (error) {
    worker.end()
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
  return {
    ...declared,
    run(feeds) {
      const inputs = copyTensors(feeds)
      return ask<NamedTensors>({ kind: 'run', inputs }, buffersOf(inputs))
    },
    async close() {
      end(workerError(where, 'it was ended'))
    },
  }
}

function workerError(where: string, reason: string): TpError {
  return new TpError('TP_WORKER', where, `the worker that held the model is gone (${reason}); load the model again`)
}
