import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { hashOfFile } from '@tp/data/files'
import { dataError } from './data-error.ts'

/** Opens a file that is read in parts, which may be gone since the run began. @throws TpError TP_DATA */
export async function openData(path: string): Promise<FileHandle> {
  // A pipe without a writer must not be waited for.
  return await naming(path, open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
}

/** SHA-256 of such a file. @throws TpError TP_DATA */
export async function hashOfData(path: string): Promise<string> {
  return await naming(path, hashOfFile(path))
}

async function naming<T>(path: string, reading: Promise<T>): Promise<T> {
  return await reading.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EMFILE' || cause.code === 'ENFILE') throw cause
    throw dataError(path, cause.code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${cause.message}`, cause)
  })
}
