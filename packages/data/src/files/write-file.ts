import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasEnded, LONGEST_TAG, ownTag } from './process-mark.ts'

/** Bytes of the longest name that file systems take. */
const LONGEST_NAME = 255
/** After the name: a number, and the process that writes. */
const SUFFIX = /\.[0-9a-f]{8}-([0-9a-f]{8}-\d+-\d+)\.tmp$/
const LONGEST_SUFFIX = '.01234567-.tmp'.length + LONGEST_TAG

/** Name of a file or a folder that waits next to `path` until it is whole. */
export function waitingPath(path: string): string {
  const name = hiddenName(path, LONGEST_SUFFIX)
  return join(dirname(path), `${name}.${randomBytes(4).toString('hex')}-${ownTag}.tmp`)
}

/** A hidden name of a file's own, with room for a suffix: longer names are replaced by their hash. */
export function hiddenName(path: string, added: number): string {
  const name = basename(path)
  if (Buffer.byteLength(name) + 1 + added <= LONGEST_NAME) return `.${name}`
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

/** Whether a file is one that waits for its name, or did when its process was killed. */
export function isWaiting(name: string): boolean {
  return SUFFIX.test(name)
}

/** Removes what waits in a folder for its name since the process that wrote it was killed, whole copies of models among it. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, tag] = SUFFIX.exec(name) ?? []
    // One that another user has left cannot be removed, and is not in the way.
    if (tag !== undefined && hasEnded(tag))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => {})
  }
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
