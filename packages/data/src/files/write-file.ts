import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Bytes of the longest name that file systems take. */
const LONGEST_NAME = 255
const SUFFIX = '.01234567.tmp'

/** Name of a file that waits next to `path` until it is whole. */
export function waitingPath(path: string): string {
  return join(dirname(path), `${hiddenName(path, SUFFIX.length)}.${randomBytes(4).toString('hex')}.tmp`)
}

/** A hidden name of a file's own, with room for a suffix: longer names are replaced by their hash. */
export function hiddenName(path: string, added: number): string {
  const name = basename(path)
  if (Buffer.byteLength(name) + 1 + added <= LONGEST_NAME) return `.${name}`
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

/** Whether a file is one that waits for its name, or did when its process was killed. */
export function isWaiting(name: string): boolean {
  return /^\..+\.[0-9a-f]{8}\.tmp$/.test(name)
}

/** Removes a file, and what waits next to it since a process was killed while it wrote. */
export async function removeWithWaiting(path: string): Promise<void> {
  const folder = dirname(path)
  const own = hiddenName(path, SUFFIX.length)
  const waiting = (await readdir(folder)).filter((name) => name.startsWith(`${own}.`) && isWaiting(name))
  for (const file of [path, ...waiting.map((name) => join(folder, name))]) await rm(file, { force: true })
}

/** Writes a new file and makes sure that it is on the disk; on failure nothing remains. */
export async function writeWhole(
  path: string,
  contents: Uint8Array | AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await using file = await open(path, 'wx')
    for await (const piece of contents instanceof Uint8Array ? [contents] : contents) {
      await file.writeFile(piece, signal && { signal })
    }
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

/** Gives a whole file its name in one step; what had that name before is replaced, unless `name` does it otherwise. */
export async function moveInto(
  waiting: string,
  path: string,
  name: (waiting: string, path: string) => Promise<void> = rename,
): Promise<void> {
  await name(waiting, path)
  if (process.platform === 'win32') return
  // The new name lives in the folder, which has to reach the disk too.
  await using folder = await open(dirname(path), 'r')
  // Some network file systems cannot do it; the file itself is safe.
  await folder.sync().catch(() => undefined)
}
