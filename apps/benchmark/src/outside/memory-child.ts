// Entry of the process whose memory is measured (see memory.ts).
import { readFile } from 'node:fs/promises'
import { nativeRuntime } from '@tp/runtime-native'
import { nodeRuntime } from '@tp/runtime-node'
import type { MemoryRequest } from './memory.ts'

process.once('message', async ({ path, runtime, feeds }: MemoryRequest) => {
  const session = await (runtime === 'native' ? nativeRuntime() : nodeRuntime()).load(path, { threads: 1 })
  for (const inputs of feeds) await session.run(inputs)
  process.send?.(await peakBytes(), () => process.exit())
})

/** On Linux the system's figure for a process includes the memory that its parent held when it was started; this one does not. */
async function peakBytes(): Promise<number> {
  const status = process.platform === 'linux' ? await readFile('/proc/self/status', 'utf8') : ''
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? []
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes))
}
