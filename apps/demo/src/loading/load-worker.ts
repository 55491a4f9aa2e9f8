// Entry of the worker that loads one file: decompressing 12 MB would stop the page for a second on a phone.
import { sendError } from '@tp/core/runtime'
import { keep, kept } from '../offline/kept-files.ts'
import type { LoadMessage } from './load-protocol.ts'
import { lengthOf, readBytes } from './read-bytes.ts'

const worker = globalThis as unknown as {
  postMessage(message: LoadMessage): void
  close(): void
  addEventListener(type: 'message', listener: (event: MessageEvent<string>) => void): void
}

worker.addEventListener('message', async ({ data: address }) => {
  try {
    const found = await kept(address)
    const response = found ?? (await fetchFile(address))
    const keeping = found === undefined ? keep(address, response.clone()) : undefined
    worker.postMessage({ kind: 'file', file: await read(response) })
    await keeping
  } catch (error) {
    worker.postMessage({ kind: 'error', error: sendError(error) })
  }
  worker.close()
})

async function read(response: Response): Promise<Blob> {
  const bytes = await readBytes(response.body, lengthOf(response), (progress) =>
    worker.postMessage({ kind: 'progress', progress }),
  )
  const file = new Blob([bytes])
  return isCompressed(bytes) ? new Response(file.stream().pipeThrough(new DecompressionStream('gzip'))).blob() : file
}

async function fetchFile(address: string): Promise<Response> {
  const response = await fetch(address)
  if (!response.ok) throw new Error(`${address} cannot be loaded (${response.status})`)
  return response
}

/** Some servers send files that end in .gz with an encoding, so that the browser has decompressed them already. */
function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}
