import type { Example, RawImage, Sound } from './dataset.ts'

/** A key of an example's content: SHA-256 of its text, its file, or its pixels or samples. */
export async function contentOf(example: Example<string | RawImage | Sound>): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', await bytesOf(example))
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function bytesOf(example: Example<string | RawImage | Sound>): Promise<Uint8Array<ArrayBuffer>> {
  if (example.bytes !== undefined) return Uint8Array.from(await example.bytes())
  const content = await example.read()
  if (typeof content === 'string') {
    const texts = [content, ...(example.pair === undefined ? [] : [example.pair])]
    return new TextEncoder().encode(texts.join('\t').trim())
  }
  const { buffer, byteOffset, byteLength } = 'pixels' in content ? content.pixels : content.samples
  return Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength))
}
