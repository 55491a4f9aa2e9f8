import { appendFile, readFile, rm } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { writeError } from '../model/write-error.ts'
import { moveInto, waitingPath, writeWhole } from '../model/write-file.ts'

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
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new TpError('TP_FILE_NOT_FOUND', 'tp', `${path} cannot be read: ${cause.message}`, { cause })
  })
}

/** @throws TpError TP_FILE_NOT_FOUND */
export function nothingToResume(path: string): TpError {
  return new TpError('TP_FILE_NOT_FOUND', 'tp', `there is no ${path} to go on from; leave --resume out to begin`)
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
      // Said at the end, and not as a promise that nobody waits for.
      written.catch(() => {})
    },
    async end() {
      await written.catch((cause: unknown) => {
        throw writeError(path, cause)
      })
    },
  }
}
