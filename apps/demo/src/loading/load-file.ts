import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { TpError } from '@tp/core'
import { receiveError } from '@tp/core/runtime'
import type { LoadMessage } from './load-protocol.ts'
import type { BytesRead } from './read-bytes.ts'

const running = signal<ReadonlyMap<string, BytesRead>>(new Map())

/** Of all files of the page that are loading; undefined: none is. */
export const loading: ReadonlySignal<BytesRead | undefined> = computed(() => {
  const all = [...running.value.values()]
  if (all.length === 0) return undefined
  const sum = (count: (one: BytesRead) => number): number => all.reduce((total, one) => total + count(one), 0)
  return {
    bytes: sum(({ bytes }) => bytes),
    of: all.every(({ of }) => of !== undefined) ? sum(({ of = 0 }) => of) : undefined,
  }
})

/**
 * A large file of the page's own, loaded and decompressed in a worker.
 * @throws TpError TP_WORKER @throws Error if the server does not have it
 */
export function loadFile(address: string): Promise<Blob> {
  const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new TpError('TP_WORKER', 'demo', message || 'a file was not loaded'))
    worker.onmessage = ({ data }: MessageEvent<LoadMessage>) => {
      if (data.kind === 'progress') showProgress(address, data.progress)
      else if (data.kind === 'file') resolve(data.file)
      else reject(receiveError(data.error))
    }
    // Addresses are relative to the page, not to the worker's file.
    worker.postMessage(new URL(address, location.href).href)
  })
}

function showProgress(address: string, progress: BytesRead): void {
  running.value = new Map(running.value).set(address, progress)
  if ([...running.value.values()].every((one) => one.bytes === one.of)) running.value = new Map()
}
