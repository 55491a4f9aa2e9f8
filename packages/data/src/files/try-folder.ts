import { lstat, rm, stat } from 'node:fs/promises'
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
  await tryRoom(path, 0)
}

/**
 * Tests whether there is room for a model that is made from a file, before work that would be in vain without: in 8 bits it has about a
 * quarter of its bytes. As many are written, since quotas and limits show in no other way.
 * @throws TpError TP_WRITE
 */
export async function tryRoomFor(out: string, source: string): Promise<void> {
  await tryRoom(out, (await stat(source)).size / 4)
}

async function tryRoom(path: string, bytes: number): Promise<void> {
  const waiting = waitingPath(path)
  try {
    await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENAMETOOLONG') throw error
    })
    await writeWhole(waiting, zeros(bytes))
    await rm(waiting, { force: true })
  } catch (cause) {
    throw writeError(path, cause)
  }
}

const PIECE = new Uint8Array(2 ** 20)

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = Math.min(bytes, MOST_TRIED); left > 0; left -= PIECE.length) yield PIECE.subarray(0, left)
}

/** Bytes that take a few seconds. */
const MOST_TRIED = 2 ** 30
