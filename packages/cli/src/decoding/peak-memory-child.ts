// Entry of the process whose memory is measured (see peak-memory.ts).
import { readFile } from 'node:fs/promises'
import { sendError, type WorkerAnswer } from '@tp/core/runtime'
import { openTextDecoder } from '@tp/data'
import { openRuntime } from '../plugins/open-runtime.ts'
import type { PeakMemoryRequest } from './peak-memory.ts'

process.once('message', async (request: PeakMemoryRequest) => {
  process.send?.(await answer(request), () => process.exit())
})

async function answer(request: PeakMemoryRequest): Promise<WorkerAnswer> {
  try {
    return { ok: true, value: await measured(request) }
  } catch (error) {
    return { ok: false, error: sendError(error) }
  }
}

/** Bytes, after a prompt and a token. */
async function measured({ path, runtime: name, decoder, press, tokens }: PeakMemoryRequest): Promise<number> {
  const runtime = await openRuntime(name)
  const options = { threads: 1 }
  const session = await runtime.load(path, options)
  const pressing = press === undefined ? undefined : await runtime.load(press, options)
  const reading = await openTextDecoder(session, decoder, { press: pressing }).read(tokens)
  await reading.next(tokens.at(-1) as number)
  return await peak()
}

/** What the system says of a process counts, on Linux, what its parent held when it was started; this does not. */
async function peak(): Promise<number> {
  const status = process.platform === 'linux' ? await readFile('/proc/self/status', 'utf8') : ''
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? []
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes))
}
