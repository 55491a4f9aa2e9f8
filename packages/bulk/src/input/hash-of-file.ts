import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

const hashes = new Map<string, { readonly state: string; readonly hash: Promise<string> }>()

/** SHA-256 of a file; computed again when its size or time changes. */
export async function hashOfFile(path: string): Promise<string> {
  await using file = await open(path)
  const { size, mtimeNs } = await file.stat({ bigint: true })
  const state = `${size} ${mtimeNs}`
  const known = hashes.get(path)
  if (known?.state === state) return await known.hash
  const hash = hashStream(path)
  hashes.set(path, { state, hash })
  return await hash
}

async function hashStream(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
