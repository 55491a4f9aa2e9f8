import { appendFile, rm, stat } from 'node:fs/promises'
import { isTpError, TpError } from '@tp/core'
import { SOFT_PART, type TrainingPart } from '@tp/train'
import { readInput } from '../files/read-input.ts'
import { writeError } from '../files/write-error.ts'
import { moveInto, waitingPath, writeWhole } from '../files/write-file.ts'

/** Files by their paths, all of them or none: each gets its name only when all are whole. @throws TpError TP_WRITE */
export async function writeTogether(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const waiting = new Map([...files.keys()].map((path) => [path, waitingPath(path)]))
  let at = ''
  try {
    for (const [path, bytes] of files) {
      at = path
      await writeWhole(waiting.get(path) as string, bytes, new AbortController().signal)
    }
    for (const [path, own] of waiting) {
      at = path
      await moveInto(own, path)
    }
  } catch (cause) {
    for (const own of waiting.values()) await rm(own, { force: true })
    throw writeError(at, cause)
  }
}

/** What is in a checkpoint file; undefined if there is none. @throws TpError TP_FILE_NOT_FOUND for one that cannot be read */
export async function readCheckpointFile(path: string): Promise<Uint8Array | undefined> {
  const isThere = await stat(path).catch((error: NodeJS.ErrnoException) => error.code !== 'ENOENT')
  if (isThere === false) return undefined
  return readInput(path, { code: 'TP_FILE_NOT_FOUND', advice: 'omit --resume to start over' })
}

/** Runs a training that may resume from checkpoints; if one is unusable, the error names its file. @throws TpError TP_RESUME */
export async function namingCheckpoint<T>(
  paths: Readonly<Record<TrainingPart, string>>,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    if (!isTpError(cause) || cause.code !== 'TP_RESUME') throw cause
    const path = cause.where === SOFT_PART ? paths.soft : paths.hard
    throw new TpError('TP_RESUME', path, cause.message.replace(`[${cause.where}] `, ''), { cause })
  }
}

/** @throws TpError TP_FILE_NOT_FOUND */
export function nothingToResume(path: string): TpError {
  return new TpError('TP_FILE_NOT_FOUND', 'tp', `there is no ${path} to resume from; omit --resume to start over`)
}

/** JSON lines, in order. */
export interface Log {
  add(line: object): void
  /** @throws TpError TP_WRITE if a line could not be written */
  end(): Promise<void>
}

export function openLog(path: string): Log {
  let written = Promise.resolve()
  return {
    add(line) {
      written = written.then(() => appendFile(path, `${JSON.stringify(line)}\n`))
      // Reported at the end, since nothing awaits this promise.
      written.catch(() => {})
    },
    async end() {
      await written.catch((cause: unknown) => {
        throw writeError(path, cause)
      })
    },
  }
}
