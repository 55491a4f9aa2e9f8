import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { keep, kept } from '../offline/kept-files.ts'
import { type BytesRead, lengthOf, readBytes } from './read-bytes.ts'

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
 * A large file of the page's own; a compressed one is decompressed.
 * @throws Error if the server does not have it
 */
export async function loadFile(address: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = (await kept(address)) ?? (await fetchAndKeep(address))
  const bytes = await readBytes(response.body, lengthOf(response), (progress) => {
    running.value = new Map(running.value).set(address, progress)
  })
  if ([...running.value.values()].every((one) => one.bytes === one.of)) running.value = new Map()
  return isCompressed(bytes) ? decompressed(bytes) : bytes
}

async function fetchAndKeep(address: string): Promise<Response> {
  const response = await fetch(address)
  if (!response.ok) throw new Error(`${address} cannot be loaded (${response.status})`)
  void keep(address, response.clone())
  return response
}

/** Some servers send files that end in .gz with an encoding, so that the browser has decompressed them already. */
function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

async function decompressed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
