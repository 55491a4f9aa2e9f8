import { availableParallelism, cpus } from 'node:os'
import {
  type Diagnosis,
  openSession,
  type Runtime,
  type Session,
  type SessionOptions,
  TpError,
  throwIfAborted,
} from '@tp/core'
import { openModel, placeOf } from './open-model.ts'
import { importOrt } from './ort.ts'
import { openModelInWorker } from './worker-client.ts'

/** onnxruntime-node on the CPU. Without `worker`, runs and loading block the event loop while they compute. */
export function nodeRuntime(): Runtime {
  return Object.freeze({ name: 'node', load, diagnose })
}

async function load(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const { threads, worker = false, profile, signal } = options
  const where = placeOf(model)
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new TpError('TP_OPTION', where, `threads is ${threads}; give a whole number from 1 on, or leave it out`)
  }
  throwIfAborted(signal, where)
  const backend = await (worker ? openModelInWorker : openModel)(model, { threads, profile })
  const session = openSession(where, backend)
  try {
    throwIfAborted(signal, where)
  } catch (aborted) {
    await session.dispose()
    throw aborted
  }
  return session
}

async function diagnose(): Promise<Diagnosis> {
  const ort = await importOrt()
  return {
    runtime: 'onnxruntime-node',
    version: ort.env.versions.node ?? 'unknown',
    threads: availableParallelism(),
    device: cpus()[0]?.model.trim() || 'unknown processor',
    notes: [
      `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      'runs block the event loop; load with worker: true to keep it free',
    ],
  }
}
