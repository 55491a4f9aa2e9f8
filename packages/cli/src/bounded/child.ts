// Entry of the process that holds one model (see bounded-runtime.ts).
import { Worker } from 'node:worker_threads'
import { type Session, sendError } from '@tp/core'
import { openRuntime } from '../plugins/open-runtime.ts'
import type { Answer, Request, Watch } from './protocol.ts'

const watch: Watch = { most: Number(process.argv[2]), parent: process.ppid }
new Worker(new URL('./memory-watch.js', import.meta.url), { workerData: watch, execArgv: [] })

let session: Session | undefined

process.on('message', async (request: Request) => {
  process.send?.(await answer(request))
})
// The parent hears of Ctrl-C as well, and ends its children itself.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())

async function answer(request: Request): Promise<Answer> {
  try {
    return { ok: true, value: await serve(request) }
  } catch (error) {
    return { ok: false, error: sendError(error) }
  }
}

async function serve(request: Request): Promise<unknown> {
  if (request.kind === 'run') return await (session as Session).run(request.inputs)
  session = await (await openRuntime(request.runtime)).load(request.path)
  return { inputs: session.inputs, outputs: session.outputs }
}
