import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { readOpenFile } from './files/read-open-file.ts'

/** Limits on a file that is read whole. */
export interface ReadLimits {
  readonly code: `TP_${string}`
  readonly mostBytes: number
  /** Advice if there is no such file. */
  readonly advice?: string
  /** Looks at the first bytes of a large file before the others are read. */
  readonly begins?: (head: Uint8Array) => void
}

/**
 * Reads an untrusted file: devices and pipes, which may never end, are refused like files that are too large.
 * @throws TpError with the given code
 */
export async function readBytes(path: string, { code, mostBytes, advice, begins }: ReadLimits): Promise<Uint8Array> {
  const refuse = (problem: string, cause?: unknown): TpError =>
    new TpError(code, 'data', `${path}: ${problem}`, cause === undefined ? {} : { cause })
  // A pipe without a writer must not be waited for.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw refuse(`there is no such file that can be read${advice === undefined ? '' : `; ${advice}`}`, cause)
  })
  try {
    const entry = await file.stat()
    if (!entry.isFile()) throw refuse('is not a regular file; give the path of one')
    if (entry.size > mostBytes) {
      throw refuse(`is ${Math.ceil(entry.size / 2 ** 20)} MiB; files of up to ${mostBytes / 2 ** 20} MiB are read`)
    }
    return await readOpenFile(file, entry.size, begins)
  } finally {
    await file.close()
  }
}
