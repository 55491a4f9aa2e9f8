import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { LARGEST, readOpenFile } from './read-open-file.ts'

/** A plan or a guard; longer texts are neither. */
export const LARGEST_JSON: number = 2 ** 28

export interface InputOptions {
  /** Of the error, if it cannot be read. */
  readonly code: `TP_${string}`
  /** The remedy: `give the path of a safetensors file`. */
  readonly advice: string
  /** Most bytes; default {@link LARGEST}. */
  readonly most?: number
  /** Looks at the first bytes of a large file before the others are read. */
  readonly begins?: (head: Uint8Array) => void
}

/**
 * The bytes of a file named by the user. Only a regular file is read, of a size that is known before and at most what is
 * allowed, so that no device, pipe or growing file keeps the command waiting or fills the memory.
 * @throws TpError with the code that is given; TP_TOO_LARGE
 */
export async function readInput(
  path: string,
  { code, advice, most = LARGEST, begins }: InputOptions,
): Promise<Uint8Array> {
  try {
    // Opening a pipe would wait for its other end, and opening a device may do something.
    requireRegular(await stat(path))
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    return await readWhole(path, file, most, begins)
  } catch (cause) {
    if (cause instanceof TpError) throw cause
    throw new TpError(code, 'tp', `${path} cannot be read: ${reasonOf(cause)}; ${advice}`, { cause })
  }
}

/** The same, as text. */
export async function readInputText(path: string, options: InputOptions): Promise<string> {
  return new TextDecoder().decode(await readInput(path, options))
}

/** @throws TpError TP_TOO_LARGE */
export function requireSize(path: string, size: number, most: number): void {
  if (size <= most) return
  throw new TpError('TP_TOO_LARGE', 'tp', `${path} has ${sizeText(size)}, and at most ${sizeText(most)} are read`)
}

async function readWhole(
  path: string,
  file: FileHandle,
  most: number,
  begins: InputOptions['begins'],
): Promise<Uint8Array> {
  const entry = await file.stat()
  requireRegular(entry)
  requireSize(path, entry.size, most)
  return await readOpenFile(file, entry.size, begins)
}

function requireRegular(entry: { isFile(): boolean; isDirectory(): boolean }): void {
  if (!entry.isFile()) throw new Error(entry.isDirectory() ? 'it is a folder' : 'it is not a regular file')
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file'
  return code === 'EACCES' ? 'it may not be read' : message
}

function sizeText(size: number): string {
  return size < 2 ** 30 ? `${Math.ceil(size / 2 ** 20)} MiB` : `${(size / 2 ** 30).toFixed(1)} GiB`
}
