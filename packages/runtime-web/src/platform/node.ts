import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type MessagePort, parentPort, Worker } from 'node:worker_threads'
import { TpError } from '@tp/core'
import type { AbortSignalLike } from '@tp/core/runtime'
import { fetchModel } from './fetch-model.ts'
import type { Platform, WorkerHandle } from './platform.ts'

export const platform: Platform = {
  cores: availableParallelism,
  whyOneThread: () => undefined,
  describe: () => ({
    device: cpus()[0]?.model.trim() || 'unknown processor',
    platform: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  }),
  readModel,
  // Flags of the caller's node do not concern the worker, and some (--input-type) keep it from starting.
  startWorkerThread: (file) => handle(new Worker(new URL(`../${file}`, import.meta.url), { execArgv: [] })),
  owner() {
    const port = parentPort as MessagePort
    return {
      send: (message, transfer) => port.postMessage(message, transfer),
      onMessage: (listener) => port.on('message', listener),
    }
  },
}

async function readModel(where: string, model: string, signal: AbortSignalLike | undefined): Promise<Uint8Array> {
  if (/^(https?|data|blob):/.test(model)) return fetchModel(where, model, signal)
  try {
    return await readFile(model.startsWith('file:') ? fileURLToPath(model) : model)
  } catch (cause) {
    throw new TpError('TP_FILE_NOT_FOUND', where, `there is no file that can be read at ${model}`, { cause })
  }
}

function handle(worker: Worker): WorkerHandle {
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.on('message', listener),
    onFailure(listener) {
      worker.on('error', (error) => listener(String(error)))
      worker.on('exit', () => listener('it has ended'))
    },
    setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  }
}
