// Entry of the process that holds models (see bounded-process.ts).
import { Worker } from 'node:worker_threads'
import { TpError } from '@tp/core'
import type { WorkerAnswer } from '@tp/core/runtime'
import {
  isTypedArray,
  type NamedTensors,
  type Runtime,
  readRuntimePlugin,
  type Session,
  sendError,
} from '@tp/core/runtime'
import { nodeRuntime } from '../node-runtime.ts'
import type { BoundedRequest, Bounds, WatchRequest } from './protocol.ts'

const watch: WatchRequest = { parent: process.ppid }
const watcher = new Worker(new URL('./watch.js', import.meta.url), { workerData: watch, execArgv: [] })

const sessions = new Map<number, { readonly session: Session; readonly bounds: Bounds }>()

process.on('message', async (request: BoundedRequest) => {
  process.send?.(await answer(request))
})
// The parent hears of Ctrl-C as well, and ends its children itself.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())

async function answer(request: BoundedRequest): Promise<WorkerAnswer> {
  try {
    return { ok: true, value: await serve(request) }
  } catch (error) {
    return { ok: false, error: sendError(error) }
  }
}

async function serve(request: BoundedRequest): Promise<unknown> {
  if (request.kind === 'diagnose') return await (await runtimeOf(request.module)).diagnose()
  if (request.kind === 'load') {
    const { model, module, from, bounds } = request
    watcher.postMessage(bounds)
    const session = await (await runtimeOf(module)).load(from)
    sessions.set(model, { session, bounds })
    return { inputs: session.inputs, outputs: session.outputs }
  }
  const { session, bounds } = sessions.get(request.model) as { session: Session; bounds: Bounds }
  if (request.kind === 'close') {
    sessions.delete(request.model)
    await session.dispose()
    return undefined
  }
  const outputs = await session.run(request.inputs)
  requireSmall(outputs, bounds)
  return outputs
}

async function runtimeOf(module: string | undefined): Promise<Runtime> {
  return module === undefined ? nodeRuntime() : readRuntimePlugin(await import(module), module).runtime
}

/** Outputs are copied to the process that waits for them, and compared there. */
function requireSmall(outputs: NamedTensors, { bytes }: Bounds): void {
  for (const [name, { data }] of Object.entries(outputs)) {
    const size = isTypedArray(data) ? data.byteLength : data.length
    if (size <= bytes / 16) continue
    const seen = `output "${name}" has ${(size / 2 ** 20).toFixed(0)} MiB for a few tokens`
    throw new TpError('TP_MODEL_LIMIT', 'runtime-node', `${seen}, more than is returned from a bounded process`)
  }
}
