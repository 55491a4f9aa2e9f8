import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { TpError } from '@tp/core'

export interface WalkOptions {
  /** Whether files and folders are entered whose names begin with a dot. Default: they are not part of the data. */
  readonly hidden?: boolean
  /** Folders, without links, that links may lead to. Default: links may lead anywhere. */
  readonly within?: readonly string[]
  /** Paths that are passed by. */
  readonly except?: (path: string) => boolean
}

/** An entry of a folder that is not read, although its name does not hide it. */
export interface SkippedEntry {
  readonly path: string
  /** `is a pipe` */
  readonly why: string
}

/** The contents of a folder and those below it. */
export interface WalkedFolder {
  /** Paths, which begin with that of the folder, in the order of their code units: the same one on every machine. */
  readonly files: readonly string[]
  readonly skipped: readonly SkippedEntry[]
}

/** Links can make more paths of a folder than it has files. */
const MOST_FILES = 4_000_000

/**
 * All files of a folder and its sub-folders. Links are followed, since caches of downloads consist of them, but none to a folder that it
 * lies in. A link to nothing is among the files, so that reading it fails, unless links are confined.
 * @throws TpError TP_DATA for a folder that cannot be read, or with more than four million files
 */
export async function walkFolder(folder: string, options: WalkOptions = {}): Promise<WalkedFolder> {
  const found: Found = { files: [], skipped: [], ...options, root: folder }
  try {
    await walk(folder, [await realpath(folder)], found)
  } catch (cause) {
    if (cause instanceof TpError) throw cause
    throw new TpError('TP_DATA', 'data', `${folder} cannot be read: ${(cause as Error).message}`, { cause })
  }
  return { files: found.files.sort(byCodeUnits), skipped: found.skipped }
}

interface Found extends WalkOptions {
  readonly root: string
  readonly files: string[]
  readonly skipped: SkippedEntry[]
}

/** @param above the folders that this one lies in, and itself, without links */
async function walk(folder: string, above: readonly string[], found: Found): Promise<void> {
  const { root, hidden = false, except, files, skipped } = found
  const skip = (path: string, why: string): void => void skipped.push({ path, why })
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (folder === root) throw cause
    skip(folder, cause.code === 'EACCES' ? 'may not be read' : `cannot be read (${cause.message})`)
    return []
  })
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if ((!hidden && entry.name.startsWith('.')) || except?.(path)) continue
    const linked = entry.isSymbolicLink() ? await followed(path, found.within) : undefined
    if (typeof linked === 'string') {
      skip(path, linked)
      continue
    }
    const { real, kind = entry } = linked ?? {}
    if (kind === 'nothing' || kind.isFile()) files.push(path)
    else if (!kind.isDirectory()) skip(path, kindOf(kind))
    else {
      const below = real ?? join(above.at(-1) ?? '', entry.name)
      if (!above.includes(below)) await walk(path, [...above, below], found)
    }
  }
  if (files.length <= MOST_FILES) return
  throw new TpError(
    'TP_DATA',
    'data',
    `${root} holds more than ${MOST_FILES} files; are there links to its own folders?`,
  )
}

/** The target of a link, or the reason not to follow it. */
async function followed(
  path: string,
  within: readonly string[] | undefined,
): Promise<string | { readonly real?: string; readonly kind: 'nothing' | Stats }> {
  const real = await realpath(path).catch(() => undefined)
  const kind = real === undefined ? undefined : await stat(real).catch(() => undefined)
  if (real === undefined || kind === undefined) return within ? 'is a link to nothing' : { kind: 'nothing' }
  if (within === undefined || within.some((folder) => isWithin(folder, real))) return { real, kind }
  return `is a link that leads out of the folder, to ${real}`
}

/** A sentence on what is not read of a folder, if there is something. */
export function skippedNotes(folder: string, skipped: readonly SkippedEntry[]): string[] {
  if (skipped.length === 0) return []
  const named = skipped.slice(0, 5).map(({ path, why }) => `${relative(folder, path)} ${why}`)
  const more = skipped.length > named.length ? `; and ${skipped.length - named.length} more` : ''
  return [`${folder}: not everything in it is read: ${named.join('; ')}${more}`]
}

/** Whether a path is a folder's, or of something in it; both without links. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

type Kind = Pick<Stats, 'isFIFO' | 'isSocket'>

function kindOf(kind: Kind): string {
  return `is ${kind.isFIFO() ? 'a pipe' : kind.isSocket() ? 'a socket' : 'a device'}`
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1
}
