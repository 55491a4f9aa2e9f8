import { availableParallelism, cpus } from 'node:os'
import type { NoOptions } from '@tp/core'
import {
  checkKnownOptions,
  checkModelSource,
  checkSessionOptions,
  type Diagnosis,
  openSessionUnlessAborted,
  type Runtime,
  type Session,
  type SessionOptions,
  throwIfAborted,
} from '@tp/core/runtime'
import { openModel, placeOf } from './open-model.ts'
import { importOrt } from './ort.ts'
import { openModelInWorker } from './worker-client.ts'

/**
 * onnxruntime-node on the CPU. Without `worker`, runs and loading block the event loop while they compute.
 * @example
 * const session = await nodeRuntime().load('pruned.onnx', { threads: 1 })
 * const ids = { type: 'int64', dims: [1, 2], data: BigInt64Array.of(2n, 3n) }
 * const { logits } = await session.run({ input_ids: ids, attention_mask: { ...ids, data: BigInt64Array.of(1n, 1n) } })
 * await session.dispose()
 */
export function nodeRuntime(options: NoOptions = {}): Runtime {
  // Threads and the like are given to `load`.
  checkKnownOptions('runtime-node', options, [])
  return Object.freeze({ name: 'node', load, diagnose })
}

async function load(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const { threads, worker = false, signal } = options
  checkModelSource('runtime-node', model)
  const where = placeOf(model)
  checkSessionOptions(where, options)
  throwIfAborted(signal, where)
  const backend = await (worker ? openModelInWorker : openModel)(model, { threads })
  return await openSessionUnlessAborted(where, backend, signal)
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
