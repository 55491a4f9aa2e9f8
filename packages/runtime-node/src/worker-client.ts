import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { TpError } from '@tp/core'
import {
  buffersOf,
  copyTensors,
  type ModelSignature,
  type NamedTensors,
  receiveError,
  type SessionBackend,
  type WorkerAnswer,
} from '@tp/core/runtime'
import { closeGate, createGate, type Gate } from './gate.ts'
import { type LoadSettings, placeOf } from './open-model.ts'
import type { NodeWorkerRequest } from './worker-protocol.ts'

/** Gates of the workers that live; an exit of the process has to close them all. */
const gates = new Set<Gate>()

/** A model in a worker of its own, so that runs do not block the caller's event loop. */
export async function openModelInWorker(model: Uint8Array | string, options: LoadSettings): Promise<SessionBackend> {
  const where = placeOf(model)
  const gate = createGate()
  // Flags of the caller's node do not concern this file, and some (--input-type) keep a worker from starting.
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { gate }, execArgv: [] })
  if (gates.size === 0) process.on('exit', closeGates)
  gates.add(gate)

  let pending: { resolve(value: unknown): void; reject(error: Error): void } | undefined
  let ended = false
  const exited = once(worker, 'exit')
    .then(() => 'it has ended', String)
    .then((reason) => {
      ended = true
      gates.delete(gate)
      if (gates.size === 0) process.off('exit', closeGates)
      pending?.reject(workerError(where, reason))
    })
  worker.on('message', (answer: WorkerAnswer) => {
    const waiting = pending
    pending = undefined
    // An idle worker does not keep the process alive.
    worker.unref()
    if (answer.ok) waiting?.resolve(answer.value)
    else waiting?.reject(receiveError(answer.error))
  })

  function ask<T>(request: NodeWorkerRequest, transfer: ArrayBuffer[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (ended) return reject(workerError(where, 'it has ended'))
      pending = { resolve: (value) => resolve(value as T), reject }
      worker.ref()
      worker.postMessage(request, transfer)
    })
  }

  const own = typeof model === 'string' ? model : new Uint8Array(model)
  const transfer = typeof own === 'string' ? [] : [own.buffer]
  const declared = await ask<ModelSignature>({ kind: 'load', model: own, options }, transfer)
  return {
    ...declared,
    run(feeds) {
      const inputs = copyTensors(feeds)
      return ask<NamedTensors>({ kind: 'run', inputs }, buffersOf(inputs))
    },
    async close() {
      if (ended) return
      await ask({ kind: 'close' })
      worker.ref()
      await exited
    },
  }
}

function closeGates(): void {
  for (const gate of gates) closeGate(gate)
}

function workerError(where: string, reason: string): TpError {
  return new TpError('TP_WORKER', where, `the worker that held the model is gone (${reason}); load the model again`)
}
