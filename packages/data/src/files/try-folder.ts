import { lstat, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeError } from './write-error.ts'
import { removeAbandoned, waitingPath, writeWhole } from './write-file.ts'

/**
 * Tests whether a file can be written, by an empty one next to it: permissions alone do not show it (read-only disks,
 * missing folders, root).
 * @throws TpError TP_WRITE
 */
export async function tryFolder(path: string): Promise<void> {
  await removeAbandoned(dirname(path))
  const waiting = waitingPath(path)
  try {
    await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENAMETOOLONG') throw error
    })
    await writeWhole(waiting, new Uint8Array())
    await rm(waiting, { force: true })
  } catch (cause) {
    throw writeError(path, cause)
  }
}
