import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'

const WAITING = /^\.[0-9a-f]{16}\.tmp$/

/** Whether a file is one that waits for its name, or did when its process was killed. */
export function isWaiting(name: string): boolean {
  return WAITING.test(name)
}

/**
 * Writes a file that appears whole, or not at all; what had the name before is replaced.
 * @throws TpError TP_WRITE
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const waiting = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`)
  await writeAndName(path, [bytes], waiting, rename)
}

/**
 * Writes a new file that appears whole, or not at all. A file that has the name by then remains, whoever has put it there.
 * @param waiting what it is called until then; one that a killed process has left there is removed
 * @throws TpError TP_OUTPUT if there is one; TP_WRITE
 */
export async function writeNew(path: string, pieces: AsyncIterable<Uint8Array>, waiting: string): Promise<void> {
  await writeAndName(path, pieces, waiting, nameExclusively)
}

async function writeAndName(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  waiting: string,
  name: (waiting: string, path: string) => Promise<void>,
): Promise<void> {
  try {
    // Not written over: the output of a process that was killed right after it was named has this name, too.
    await rm(waiting, { force: true })
    await using file = await open(waiting, 'wx')
    for await (const piece of pieces) await file.appendFile(piece)
    await file.sync()
    await name(waiting, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    await rm(waiting, { force: true })
    if (cause instanceof TpError) throw cause
    throw new TpError('TP_WRITE', 'bulk', `${path} was not written: ${(cause as Error).message}`, { cause })
  }
}

/** Gives a file a name that no other has. */
async function nameExclusively(waiting: string, path: string): Promise<void> {
  try {
    await link(waiting, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error
      // A file system without links: the name is taken by an empty file first.
      await (await open(path, 'wx')).close()
      await rename(waiting, path)
    })
    await rm(waiting, { force: true })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    const advice = 'move it away, and run this again with --resume: all shards are kept'
    throw new TpError(
      'TP_OUTPUT',
      'bulk',
      `${path} has come into being during the run, and is not replaced; ${advice}`,
      {
        cause,
      },
    )
  }
}

/** The new name lives in the folder, which has to reach the disk, too. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(path)
  // Some network file systems cannot do it; the file itself is safe.
  await folder.sync().catch(() => undefined)
}
