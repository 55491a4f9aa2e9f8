import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isWithin, walkFolder } from './walk-folder.ts'

/** The place of a path, whether there is a file yet or not. */
export interface FileIdentity {
  /** The path without links, as far as it exists. */
  readonly path: string
  /** Device and number on it, by which hard links and other spellings of a name are known; undefined: there is nothing. */
  readonly node: string | undefined
  /** How many names it has. */
  readonly names: number
}

export async function placeOf(path: string): Promise<FileIdentity> {
  const entry = await stat(path, { bigint: true }).catch(() => undefined)
  if (entry === undefined) return { path: await realFolder(resolve(path)), node: undefined, names: 0 }
  // /dev/stdout leads to a pipe, which has no path.
  const real = await realpath(path).catch(() => realFolder(resolve(path)))
  return { path: real, node: `${entry.dev}:${entry.ino}`, names: Number(entry.nlink) }
}

/** The place of a path, and its state: another text as soon as it is written to; undefined: there is nothing. */
export async function stateOf(path: string): Promise<string | undefined> {
  const entry = await stat(path, { bigint: true }).catch(() => undefined)
  return entry && `${entry.dev}:${entry.ino} ${entry.size} ${entry.mtimeNs}`
}

/** Its folder without links; of folders that do not exist either, the first one that does. */
async function realFolder(path: string): Promise<string> {
  const folder = dirname(path)
  if (folder === path) return path
  const real = await realpath(folder).catch(() => realFolder(folder))
  return join(real, basename(path))
}

/** Whether both lead to one file. */
export function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.path === b.path || (a.node !== undefined && a.node === b.node)
}

/** Whether there is a file at both paths, and one only, also through links. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([placeOf(a), placeOf(b)])
  return first.node !== undefined && first.node === second.node
}

/** Whether both would be one file on any system: of some, names that differ by case or by how accents are written are one. */
export function mayBeSame(a: FileIdentity, b: FileIdentity): boolean {
  const folded = ({ path }: FileIdentity): string => path.normalize('NFC').toLowerCase()
  return isSame(a, b) || folded(a) === folded(b)
}

/** Whether a file lies in a folder, or below it; or another of its names does. */
export async function isInside(folder: FileIdentity, file: FileIdentity): Promise<boolean> {
  if (file.path !== folder.path && isWithin(folder.path, file.path)) return true
  if (file.node === undefined || file.names < 2) return false
  const { files } = await walkFolder(folder.path, { hidden: true, within: [folder.path] }).catch(() => ({ files: [] }))
  for (const path of files) if ((await placeOf(path)).node === file.node) return true
  return false
}
