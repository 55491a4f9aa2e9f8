import { rm, stat } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { readInput } from './read-input.ts'

/** Contents of a checkpoint file; undefined if there is none. @throws TpError TP_FILE_NOT_FOUND for one that cannot be read */
export async function readCheckpointFile(path: string): Promise<Uint8Array | undefined> {
  if (!(await isThere(path))) return undefined
  return readInput(path, { code: 'TP_FILE_NOT_FOUND', advice: 'omit --resume to start over' })
}

/** Removes a checkpoint that is of no more use. */
export function removeCheckpointFile(path: string): Promise<void> {
  return rm(path, { force: true })
}

/** The error of a resumed job whose checkpoint is missing. */
export function nothingToResume(path: string): TpError {
  return new TpError('TP_FILE_NOT_FOUND', 'tp', `there is no ${path} to resume from; omit --resume to start over`)
}

/** Whether a path leads anywhere. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}
