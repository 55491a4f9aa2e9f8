// Entry of the process whose memory is measured (see peak-memory.ts).
import { readFile } from 'node:fs/promises'
import { openTextDecoder } from '@tp/data'
import { nodeRuntime } from '@tp/runtime-node'
import type { PeakMemoryRequest } from './peak-memory.ts'

process.once('message', async ({ path, decoder, press, tokens }: PeakMemoryRequest) => {
  const [runtime, options] = [nodeRuntime(), { threads: 1 }]
  const session = await runtime.load(path, options)
  const pressing = press === undefined ? undefined : await runtime.load(press, options)
  const reading = await openTextDecoder(session, decoder, { press: pressing }).read(tokens)
  await reading.next(tokens.at(-1) as number)
  process.send?.(await peakBytes(), () => process.exit())
})

/** On Linux the system's figure for a process includes the memory that its parent held when it was started; this one does not. */
async function peakBytes(): Promise<number> {
  const status = process.platform === 'linux' ? await readFile('/proc/self/status', 'utf8') : ''
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? []
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes))
}
