// Entry of the process that holds one model (see bounded-runtime.ts).
import { Worker } from 'node:worker_threads'
import { TpError } from '@tp/core'
import type { WorkerAnswer } from '@tp/core/runtime'
import { isTypedArray, type NamedTensors, type Session, sendError } from '@tp/core/runtime'
import { openRuntime } from '../plugins/open-runtime.ts'
import type { BoundedRequest, WatchRequest } from './protocol.ts'

const [bytes, seconds] = process.argv.slice(2).map(Number) as [number, number]
const watch: WatchRequest = { bounds: { bytes, seconds }, parent: process.ppid }
new Worker(new URL('./watch.js', import.meta.url), { workerData: watch, execArgv: [] })

let session: Session | undefined

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
  if (request.kind === 'run') {
    const outputs = await (session as Session).run(request.inputs)
    requireSmall(outputs)
    return outputs
  }
  session = await (await openRuntime(request.runtime)).load(request.path)
  return { inputs: session.inputs, outputs: session.outputs }
}

/** Outputs are copied to the process that waits for them, and compared there. */
function requireSmall(outputs: NamedTensors): void {
  for (const [name, { data }] of Object.entries(outputs)) {
    const size = isTypedArray(data) ? data.byteLength : data.length
    if (size <= bytes / 16) continue
    const seen = `output "${name}" has ${(size / 2 ** 20).toFixed(0)} MiB for a few tokens`
    throw new TpError('TP_MODEL_LIMIT', 'tp', `${seen}, more than is compared; prune without --verify`)
  }
}
