import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const hashes = new Map<string, { readonly state: string; readonly hash: Promise<string> }>()

/** SHA-256 of a regular file; computed again when its size or time changes. */
export async function hashOfFile(path: string): Promise<string> {
  // A pipe without a writer must not be waited for.
  await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  const entry = await file.stat({ bigint: true })
  if (!entry.isFile()) throw new Error('it is not a regular file')
  const state = `${entry.size} ${entry.mtimeNs}`
  const known = hashes.get(path)
  if (known?.state === state) return await known.hash
  const hash = hashOf(file)
  hashes.set(path, { state, hash })
  return await hash
}

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.createReadStream({ highWaterMark: 2 ** 20, autoClose: false })) hash.update(chunk)
  return hash.digest('hex')
}
