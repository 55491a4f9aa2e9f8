import { constants } from 'node:fs'
import { copyFile, mkdir, open, realpath, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { exists } from './exists.ts'
import { isSameFile } from './same-file.ts'
import { isWithin } from './walk-folder.ts'
import { writeError } from './write-error.ts'
import { moveInto, waitingPath } from './write-file.ts'

/**
 * Brings the data files of a model into another folder, where a model that names them finds them again. A file that is
 * there already must be the same, byte for byte.
 * @param locations paths relative to the folders
 * @returns what was created, to be removed if things go wrong later
 * @throws TpError TP_WRITE, TP_ABORTED; then nothing remains
 */
export async function copyDataFiles(
  locations: readonly string[],
  from: string,
  to: string,
  signal: AbortSignalLike,
): Promise<string[]> {
  const created: string[] = []
  try {
    for (const location of locations) {
      const [source, target] = [join(from, location), join(to, location)]
      if (await isSameFile(source, target)) continue
      if (await exists(target)) {
        if (await haveSameBytes(source, target, signal)) continue
        const problem = `${target} is there already and differs from the data file of the model`
        throw new TpError('TP_WRITE', 'tp', `${problem}; write to another folder, or move that file away`)
      }
      const folder = await mkdir(dirname(target), { recursive: true })
      if (folder !== undefined) created.push(folder)
      await requireInside(target, to)
      created.push(await copyWhole(source, target))
      throwIfAborted(signal, 'tp')
    }
    return created
  } catch (error) {
    await removeAll(created)
    throw error instanceof TpError ? error : writeError(to, error)
  }
}

/** A folder that is a link may lead anywhere, and a model does not say where files go. @throws TpError TP_WRITE */
async function requireInside(target: string, to: string): Promise<void> {
  const [folder, real] = [await realpath(to), await realpath(dirname(target))]
  if (isWithin(folder, real)) return
  const seen = `${dirname(target)} is a link that leads out of the folder of the output, to ${real}`
  throw new TpError('TP_WRITE', 'tp', `${seen}; write to another folder`)
}

export async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true })
}

async function copyWhole(source: string, target: string): Promise<string> {
  const waiting = waitingPath(target)
  try {
    // Shares the layers where the file system can, so that gigabytes cost neither time nor room.
    await copyFile(source, waiting, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await moveInto(waiting, target)
    return target
  } catch (cause) {
    await rm(waiting, { force: true })
    throw writeError(target, cause)
  }
}

const CHUNK = 2 ** 20

/** Whether two files have the same contents. @throws TpError TP_ABORTED */
export async function haveSameBytes(a: string, b: string, signal: AbortSignalLike): Promise<boolean> {
  await using first = await open(a)
  await using second = await open(b)
  const [left, right] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)]
  if ((await first.stat()).size !== (await second.stat()).size) return false
  for (;;) {
    throwIfAborted(signal, 'tp')
    const [one, other] = await Promise.all([first.read(left), second.read(right)])
    if (one.bytesRead !== other.bytesRead) return false
    if (one.bytesRead === 0) return true
    if (left.compare(right, 0, one.bytesRead, 0, one.bytesRead) !== 0) return false
  }
}
