import { availableParallelism, cpus } from 'node:os'
import { TpError } from '@tp/core'
import {
  checkThreads,
  type Diagnosis,
  openSessionUnlessAborted,
  type Runtime,
  type Session,
  type SessionOptions,
  throwIfAborted,
} from '@tp/core/runtime'
import { importEngine, openModel } from './engine.ts'

/** Runs models in this thread: runs and loading block the event loop. */
export function exampleRuntime(): Runtime {
  return Object.freeze({ name: 'example', load, diagnose })
}

async function load(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const where = `example: ${typeof model === 'string' ? model : `model of ${model.byteLength} bytes`}`
  checkThreads(where, options)
  // Options that cannot be satisfied are refused, not ignored.
  if (options.worker) throw new TpError('TP_OPTION', where, 'there is no worker; omit worker')
  throwIfAborted(options.signal, where)
  const backend = await openModel(where, model, options.threads)
  // Checks inputs, lets one run at a time into the engine, obeys signals and disposal: the same for every runtime.
  return await openSessionUnlessAborted(where, backend, options.signal)
}

async function diagnose(): Promise<Diagnosis> {
  const { env } = await importEngine()
  return {
    runtime: 'example',
    version: env.versions.node ?? 'unknown',
    threads: availableParallelism(),
    device: cpus()[0]?.model.trim() || 'unknown processor',
    notes: ['runs block the event loop'],
  }
}
