import { rm } from 'node:fs/promises'
import { writeError } from './write-error.ts'
import { moveInto, waitingPath, writeWhole } from './write-file.ts'

/** Puts a file in the place of another one, whole or not at all. @throws TpError TP_WRITE */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const waiting = waitingPath(path)
  try {
    // Not interruptible: an interrupted training relies on this file.
    await writeWhole(waiting, bytes)
    await moveInto(waiting, path)
  } catch (cause) {
    await rm(waiting, { force: true })
    throw writeError(path, cause)
  }
}
