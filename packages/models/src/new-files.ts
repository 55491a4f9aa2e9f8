import { lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ExampleError } from './example-error.ts'

/**
 * Writes files into a folder, all or none. Files that are there with the same contents remain.
 * @throws ExampleError TP_OUTPUT for one that is there with others, a link among them; TP_WRITE
 */
export function writeNewFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  const made = whileWriting(folder, () => mkdirSync(folder, { recursive: true }))
  const missing = [...files].filter(([name, bytes]) => !isThere(join(folder, name), bytes))
  if (missing.length === 0) return
  const named: string[] = []
  let waiting: string | undefined
  try {
    whileWriting(folder, () => {
      const own = mkdtempSync(join(folder, '.tp-models-'))
      waiting = own
      for (const [name, bytes] of missing) writeFileSync(join(own, name), bytes, { flush: true })
      for (const [name] of missing) {
        renameSync(join(own, name), join(folder, name))
        named.push(name)
      }
    })
  } catch (error) {
    for (const name of named) rmSync(join(folder, name), { force: true })
    if (made !== undefined) rmSync(made, { recursive: true, force: true })
    throw error
  } finally {
    if (waiting !== undefined) rmSync(waiting, { recursive: true, force: true })
  }
}

/** Whether a file is there with these contents. @throws ExampleError TP_OUTPUT for anything else of that name */
function isThere(path: string, bytes: Uint8Array): boolean {
  const entry = lstatSync(path, { throwIfNoEntry: false })
  if (entry === undefined) return false
  if (entry.isFile() && entry.size === bytes.length && readFileSync(path).equals(bytes)) return true
  const seen = `${path} is there already, and is not a file of this example`
  throw new ExampleError('TP_OUTPUT', `${seen}; give another folder than ${dirname(path)}, or move it away`)
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room or write to another one',
  EDQUOT: 'your quota on this disk is used up; make room or write to another one',
  EEXIST: 'it is a file; give the path of a folder',
  ENOTDIR: 'a part of the path is a file; choose another path',
  EACCES: 'writing there is not allowed; choose another folder or change its permissions',
  EROFS: 'that file system is read-only; choose another folder',
}

function whileWriting<T>(folder: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw new ExampleError('TP_WRITE', `nothing was written to ${folder}: ${advice[code] ?? message}`, { cause })
  }
}
