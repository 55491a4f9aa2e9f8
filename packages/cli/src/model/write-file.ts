import { randomBytes } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Name of a file that waits beside `path` until it is whole. */
export function waitingPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`)
}

/** Removes a file, and what waits beside it since a process was killed while it wrote. */
export async function removeWithWaiting(path: string): Promise<void> {
  const folder = dirname(path)
  const waiting = (await readdir(folder)).filter(
    (name) => name.startsWith(`.${basename(path)}.`) && /\.[0-9a-f]{8}\.tmp$/.test(name),
  )
  for (const own of [path, ...waiting.map((name) => join(folder, name))]) await rm(own, { force: true })
}

/** Writes a new file and makes sure that it is on the disk; on failure nothing is left. */
export async function writeWhole(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(bytes, { signal })
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

/** Gives a whole file its name in one step; what had that name before is replaced. */
export async function moveInto(waiting: string, path: string): Promise<void> {
  await rename(waiting, path)
  if (process.platform === 'win32') return
  // The new name lives in the folder, which has to reach the disk too.
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } catch {
    // Some network file systems cannot do it; the file itself is safe.
  } finally {
    await folder.close()
  }
}

/** Whether two paths lead to one file, also through links. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)))
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino
}
