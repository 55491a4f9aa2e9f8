import { createHash } from 'node:crypto'
import type { Dataset, Example, RawImage, Sound } from './dataset.ts'

/**
 * How many examples of one data set are also in another one, compared by content. Labels
 * do not count.
 * @throws TpError TP_DATA for what cannot be read
 */
export async function sharedExamples(dataset: Dataset, other: Dataset): Promise<number> {
  const known = new Set<string>()
  for (const example of other.examples) known.add(await contentOf(example))
  let shared = 0
  for (const example of dataset.examples) if (known.has(await contentOf(example))) shared++
  return shared
}

async function contentOf(example: Example<string | RawImage | Sound>): Promise<string> {
  return createHash('sha256')
    .update(await bytesOf(example))
    .digest('base64')
}

async function bytesOf(example: Example<string | RawImage | Sound>): Promise<string | Uint8Array> {
  if (example.bytes !== undefined) return example.bytes()
  const content = await example.read()
  if (typeof content === 'string')
    return [content, ...(example.pair === undefined ? [] : [example.pair])].join('\t').trim()
  const { buffer, byteOffset, byteLength } = 'pixels' in content ? content.pixels : content.samples
  return new Uint8Array(buffer, byteOffset, byteLength)
}
