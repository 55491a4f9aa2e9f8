import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'

const WAITING = /^\.[0-9a-f]{16}\.tmp$/

/** Whether a file is one that waits for its name, or did when its process was killed. */
export function isWaiting(name: string): boolean {
  return WAITING.test(name)
}

/**
 * Writes a file that appears whole, or not at all; what had the name before is replaced.
 * @param waiting what it is called until then; one that a killed process has left there is written over. Default: a name of its own
 * @throws TpError TP_WRITE
 */
export async function writeWhole(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  waiting: string = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`),
): Promise<void> {
  try {
    await using file = await open(waiting, 'w')
    for await (const piece of pieces) await file.appendFile(piece)
    await file.sync()
    await rename(waiting, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    await rm(waiting, { force: true })
    if (cause instanceof TpError) throw cause
    throw new TpError('TP_WRITE', 'bulk', `${path} was not written: ${(cause as Error).message}`, { cause })
  }
}

/** The new name lives in the folder, which has to reach the disk, too. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(path)
  // Some network file systems cannot do it; the file itself is safe.
  await folder.sync().catch(() => undefined)
}
