import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { externalTensors, type Model } from '@tp/onnx'
import { LARGEST } from '../files/read-open-file.ts'
import { isWithin } from '../files/walk-folder.ts'

/**
 * Makes sure that the data files of a model are there, whole, and in its own folder, whatever links lead to them.
 * @param where the package that errors name
 * @returns their paths, relative to the model's folder
 * @throws TpError TP_EXTERNAL_DATA, TP_EXTERNAL_PATH, TP_EXTERNAL
 */
export async function checkDataFiles(where: string, path: string, model: Model): Promise<string[]> {
  /** End of the last tensor in each data file. */
  const ends = new Map<string, number>()
  for (const { location, offset, length } of externalTensors(model)) {
    ends.set(location, Math.max(ends.get(location) ?? 0, offset + (length ?? 0)))
  }
  for (const [location, end] of ends) await checkDataFile(where, path, location, end)
  return [...ends.keys()]
}

async function checkDataFile(where: string, path: string, location: string, end: number): Promise<void> {
  const data = join(dirname(path), location)
  const entry = await stat(data).catch(() => undefined)
  if (entry?.isFile()) await requireInside(where, path, data)
  const problem =
    entry === undefined
      ? 'is missing'
      : entry.isDirectory()
        ? 'is a folder'
        : !entry.isFile()
          ? 'is not a regular file'
          : entry.size < end
            ? `has ${entry.size} bytes where at least ${end} are needed`
            : undefined
  if (problem !== undefined) {
    const advice = `the weights of ${basename(path)} are in it: put the whole file into the model's folder`
    throw new TpError('TP_EXTERNAL_DATA', where, `${data} ${problem}; ${advice}`)
  }
}

/** @throws TpError TP_EXTERNAL_PATH */
async function requireInside(where: string, path: string, data: string): Promise<void> {
  const [own, real] = [await realpath(path), await realpath(data)]
  if (own === real) {
    const seen = `${basename(path)} names itself as the file that its weights are in`
    throw new TpError('TP_EXTERNAL_PATH', where, `${seen}; save the model again with its data in a file of their own`)
  }
  if ((await foldersOf(path)).some((folder) => isWithin(folder, real))) return
  const seen = `${data} is a link that leads out of the model's folder, to ${real}`
  throw new TpError('TP_EXTERNAL_PATH', where, `${seen}; put the file itself there if it holds the weights`)
}

/**
 * The folders, without links, in which the files of a model may be: its own, and if it is a link, that of the file that it leads to, since
 * caches of downloads are made like that.
 */
export async function foldersOf(path: string): Promise<string[]> {
  return [await realpath(dirname(path)), dirname(await realpath(path))]
}

/** Bytes of a data file that was checked. @throws TpError TP_EXTERNAL_DATA, TP_TOO_LARGE for more than are read at once */
export function readPart(where: string, folder: string, location: string, offset: number, length: number): Uint8Array {
  const path = join(folder, location)
  if (length > LARGEST) {
    const [has, most] = [length, LARGEST].map((bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`)
    throw new TpError('TP_TOO_LARGE', where, `a weight in ${path} has ${has}, and at most ${most} are read`)
  }
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    if (fstatSync(file).size >= offset + length) {
      const bytes = new Uint8Array(length)
      if (readSync(file, bytes, 0, length, offset) === length) return bytes
    }
    throw new TpError('TP_EXTERNAL_DATA', where, `${path} ends before byte ${offset + length}; copy it again`)
  } finally {
    closeSync(file)
  }
}
