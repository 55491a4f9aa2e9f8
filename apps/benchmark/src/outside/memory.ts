import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'

export interface MemoryRequest {
  readonly path: string
  readonly runtime: 'node' | 'native'
  readonly feeds: readonly NamedTensors[]
}

/** From `src` and from `dist` it is the one that was built. */
const child = fileURLToPath(new URL('../../dist/outside/memory-child.js', import.meta.url))

/** Bytes that a process of its own has held at most, which loads a model and runs batches. @throws TpError TP_RUN */
export async function memoryOf(request: MemoryRequest): Promise<number> {
  const process = fork(child, [], { serialization: 'advanced', execArgv: [] })
  return await new Promise<number>((resolve, reject) => {
    process.once('message', resolve).once('exit', () => {
      reject(new TpError('TP_RUN', 'benchmark', 'the process whose memory is measured ended before it answered'))
    })
    process.send(request)
  })
}
