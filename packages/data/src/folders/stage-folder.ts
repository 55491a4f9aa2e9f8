import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { removeAll } from '../files/data-files.ts'
import { exists, isBrokenLink } from '../files/exists.ts'
import { lockOutput } from '../files/output-lock.ts'
import { isInside, isSame, placeOf } from '../files/same-file.ts'
import { type WalkedFolder, walkFolder } from '../files/walk-folder.ts'
import { writeError } from '../files/write-error.ts'
import { hiddenName, isWaiting, removeAbandoned, waitingPath } from '../files/write-file.ts'
import { foldersOf } from '../models/external-data.ts'
import { readModel } from '../models/model-file.ts'
import { type FolderGraph, type FolderGraphs, fileInPrecision, folderOf } from './graphs.ts'

/** Folders of a repository and of a download, which do not belong to the new folder. */
const NOT_COPIED = ['.git', '.cache']
const CONFIG = 'config.json'

/** Names of files of the toolkit's own that a folder may have besides those of the original. */
const OWN_FILES = ['README.md', 'tp-plan.json', 'tp-plan.rounded.json', 'tp-plan.json.safetensors']

/** Changes of the folder besides the files that were written into the new one. */
interface FolderChanges {
  /** Graphs of which the new folder has no copy. */
  readonly leftOut: readonly FolderGraph[]
  /** The new README.md, of the one that is there. @param links files of the original that are not copied */
  readme(own: string | undefined, links: readonly SkippedFile[]): string
}

/** A file of the original that the new folder does not have, relative to it, and the reason. */
export interface SkippedFile {
  readonly file: string
  readonly why: string
}

/** A model folder that is being written under a temporary name. If disposed before `commit`, nothing remains. */
export interface StagedFolder extends AsyncDisposable {
  readonly path: string
  /** Where a file of the folder is to be written. */
  at(file: string): Promise<string>
  /** Copies what was not written, and gives the folder its name. @returns links and the like that are not copied */
  commit(changes: FolderChanges): Promise<readonly SkippedFile[]>
}

export interface StageFolderOptions {
  /** Replace a model folder of that name. */
  readonly force?: boolean
  /** Files that are written into it. */
  readonly writes: readonly string[]
  readonly signal: AbortSignalLike
}

/**
 * Begins a folder made from `source`, some graphs of which are written again and all else is copied.
 * @throws TpError TP_OUTPUT for a place where there is something, that is in the source, or at which another process works; TP_WRITE, TP_ABORTED
 */
export async function stageFolder(
  source: FolderGraphs,
  place: string,
  { force = false, writes, signal }: StageFolderOptions,
): Promise<StagedFolder> {
  if (await isBrokenLink(place))
    throw new TpError('TP_OUTPUT', 'tp', `${place} is a link to nothing; give another path`)
  // Through a link: the folder it leads to is replaced, not the link.
  const out = await realpath(place).catch(() => resolve(place))
  await requireApart(source.folder, out)
  const lock = await lockOutput(out)
  const path = waitingPath(out)
  const end = async (): Promise<void> => {
    await removeAll([path])
    await lock?.[Symbol.asyncDispose]()
  }
  try {
    return { ...(await begin(source, { place, out, path, force, writes, signal })), [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

interface Places extends Required<StageFolderOptions> {
  /** As it was named. */
  readonly place: string
  /** The same, without links. */
  readonly out: string
  readonly path: string
}

async function begin(
  source: FolderGraphs,
  { place, out, path, force, writes, signal }: Places,
): Promise<Omit<StagedFolder, keyof AsyncDisposable>> {
  await removeAbandoned(dirname(out))
  await restoreReplaced(out)
  const except = (path: string): boolean =>
    NOT_COPIED.includes(relative(source.folder, path)) || isWaiting(basename(path))
  const within = [await realpath(source.folder), ...(await foldersOf(join(source.folder, source.main.file)))]
  const original = await walkFolder(source.folder, { hidden: true, within, except })
  const mayReplace = new Set([...original.files.map((file) => relative(source.folder, file)), ...writes, ...OWN_FILES])
  await requireFree(place, out, force)
  if (await exists(out)) await requireOwn(place, out, mayReplace)
  await mkdir(path).catch((cause: unknown) => {
    throw writeError(place, cause)
  })
  return {
    path,
    async at(file) {
      await mkdir(dirname(join(path, file)), { recursive: true })
      return join(path, file)
    },
    async commit({ leftOut, readme }) {
      try {
        const skipped = await copyOthers(source, original, path, leftOut)
        const own = await readFile(join(path, 'README.md'), 'utf8').catch(() => undefined)
        await writeFile(join(path, 'README.md'), readme(own, skipped))
        await nameTheDefault(source.main, path)
        throwIfAborted(signal, 'tp')
        await requireFree(place, out, force)
        await replaceFolder(path, out, (old) => requireOwn(place, old, mayReplace))
        return skipped
      } catch (cause) {
        throw cause instanceof TpError ? cause : writeError(place, cause)
      }
    },
  }
}

/** @throws TpError TP_OUTPUT */
async function requireApart(source: string, out: string): Promise<void> {
  const [from, to] = [await placeOf(source), await placeOf(out)]
  if (!isSame(from, to) && !(await isInside(from, to)) && !(await isInside(to, from))) return
  throw new TpError('TP_OUTPUT', 'tp', `the output ${out} and the folder ${source} overlap; give another path`)
}

/** @throws TpError TP_OUTPUT */
async function requireFree(place: string, out: string, force: boolean): Promise<void> {
  const entry = await stat(out).catch(() => undefined)
  if (entry === undefined) return
  if (!entry.isDirectory())
    throw new TpError('TP_OUTPUT', 'tp', `${place} is a file, and a folder is written; give another path`)
  if (force || (await readdir(out)).length === 0) return
  const advice = '--force replaces it, -o OUT writes to another folder'
  throw new TpError('TP_OUTPUT', 'tp', `${place} exists already; ${advice}`)
}

/** Replacing a folder must not cost any file of another kind: sources, documents, a repository. @throws TpError TP_OUTPUT */
async function requireOwn(place: string, folder: string, mayReplace: ReadonlySet<string>): Promise<void> {
  const others = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .map((entry) => ({ entry, file: relative(folder, join(entry.parentPath, entry.name)) }))
    .filter(({ entry, file }) =>
      entry.isDirectory() ? !isPart(file, mayReplace) : !entry.isFile() || !mayReplace.has(file),
    )
    .map(({ file }) => file)
    .filter((file, _, all) => !all.includes(dirname(file)))
    .toSorted()
  if (others.length === 0) return
  const more = others.length > 5 ? ` and ${others.length - 5} more` : ''
  const seen = `${place} holds what the new folder would not have: ${others.slice(0, 5).join(', ')}${more}`
  throw new TpError('TP_OUTPUT', 'tp', `${seen}; it is not replaced; move these away, or write to another folder`)
}

/** Whether a sub-folder is one that holds files of the new folder. */
function isPart(folder: string, files: ReadonlySet<string>): boolean {
  for (const file of files) if (file.startsWith(folder + sep)) return true
  return false
}

/**
 * Copies all files that were not written. It follows links within the folder and to where its graph leads, which caches of downloads are
 * made of; others lead to files that nobody has given.
 */
async function copyOthers(
  source: FolderGraphs,
  { files, skipped }: WalkedFolder,
  path: string,
  leftOut: readonly FolderGraph[],
): Promise<SkippedFile[]> {
  const omitted = await omittedFiles(source, path, leftOut)
  for (const from of files) {
    const own = relative(source.folder, from)
    const to = join(path, own)
    if (omitted.has(own) || (await exists(to))) continue
    await mkdir(dirname(to), { recursive: true })
    await copyFile(from, to, constants.COPYFILE_FICLONE)
  }
  return skipped.map(({ path: own, why }) => ({ file: relative(source.folder, own), why: `it ${why}` }))
}

/** Graphs that are left out, and data files that only changed graphs have read. */
async function omittedFiles(
  { folder, main, variants, decoders, others }: FolderGraphs,
  path: string,
  leftOut: readonly FolderGraph[],
): Promise<ReadonlySet<string>> {
  const [gone, kept] = [new Set<string>(), new Set<string>()]
  for (const graph of [main, ...variants, ...decoders, ...others]) {
    const isChanged = leftOut.includes(graph) || (await exists(join(path, graph.file)))
    const { dataFiles } = await readModel(join(folder, graph.file))
    for (const data of dataFiles) (isChanged ? gone : kept).add(join(dirname(graph.file), data))
  }
  // Then transformers.js fetches a data file for each graph, whether the graph reads it or not.
  const fetches = (await readConfig(folder))?.['transformers.js_config']?.use_external_data_format
  const idle = fetches ? [] : [...gone].filter((file) => !kept.has(file))
  return new Set([...leftOut.map(({ file }) => file), ...idle])
}

/**
 * In a page transformers.js takes `model_quantized.onnx` unless config.json names another precision. Where the folder has no such
 * file, config.json names the one of the main graph.
 */
async function nameTheDefault(main: FolderGraph, path: string): Promise<void> {
  if (await exists(join(path, fileInPrecision(main, 'q8')))) return
  const config = await readConfig(path)
  const own = config?.['transformers.js_config']
  if (config === undefined || own?.dtype !== undefined) return
  const named = { ...config, 'transformers.js_config': { ...own, dtype: main.dtype } }
  await writeFile(join(path, CONFIG), `${JSON.stringify(named, null, 2)}\n`)
}

/** Of config.json, what transformers.js reads of it. */
type Config = {
  readonly 'transformers.js_config'?: { readonly dtype?: unknown; readonly use_external_data_format?: unknown }
}

/** Undefined where it is missing or invalid. */
async function readConfig(folder: string): Promise<Config | undefined> {
  const text = await readFile(join(folder, CONFIG), 'utf8').catch(() => undefined)
  try {
    const config: unknown = JSON.parse(text ?? 'null')
    return typeof config === 'object' && config !== null ? config : undefined
  } catch {
    return undefined
  }
}

/** @param require looks at the folder that is replaced, when nothing can come into it by its name any more */
async function replaceFolder(path: string, out: string, require: (old: string) => Promise<void>): Promise<void> {
  const old = replacedPath(out)
  const isThere = await exists(out)
  if (isThere) await rename(out, old)
  try {
    if (isThere) await require(old)
    await rename(path, out)
  } catch (cause) {
    if (isThere) await rename(old, out)
    throw cause
  }
  if (!isThere) return
  const gone = waitingPath(out)
  await rename(old, gone)
  await removeAll([gone])
}

/** Where a folder is for the moment in which another one takes its name. */
function replacedPath(out: string): string {
  return join(dirname(out), `${hiddenName(out, REPLACED.length)}${REPLACED}`)
}
const REPLACED = '.replaced'

/** Gives a folder its name again where a process was killed in that moment. @throws TpError TP_OUTPUT */
async function restoreReplaced(out: string): Promise<void> {
  const old = replacedPath(out)
  if (!(await exists(old))) return
  if (!(await exists(out))) return await rename(old, out)
  const seen = `${old} is what ${out} was before a process was killed that replaced it`
  throw new TpError('TP_OUTPUT', 'tp', `${seen}; move it away, or remove it`)
}

/** The folder that a command writes unless another is named: `whisper-base.pruned` next to `whisper-base`. */
export function defaultFolder(model: string): string {
  return `${resolve(folderOf(model))}.pruned`
}
