import { constants } from 'node:fs'
import { cp, lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { removeAll } from '../files/data-files.ts'
import { exists, isBrokenLink } from '../files/exists.ts'
import { isInside, isSame, placeOf } from '../files/same-file.ts'
import { writeError } from '../files/write-error.ts'
import { isWaiting, waitingPath } from '../files/write-file.ts'
import { readModel } from '../models/model-file.ts'
import { type FolderGraph, type FolderGraphs, fileInPrecision, folderOf, readFolderGraphs } from './graphs.ts'

/** Folders of a repository and of a download, which do not belong to the new folder. */
const NOT_COPIED = ['.git', '.cache']
const CONFIG = 'config.json'

/** Changes of the folder besides the files that were written into the new one. */
interface FolderChanges {
  /** Graphs of which the new folder has no copy. */
  readonly leftOut: readonly FolderGraph[]
  /** The new README.md, of the one that is there. */
  readme(own: string | undefined): string
}

/** A model folder that is being written under a temporary name. If disposed before `commit`, nothing remains. */
export interface StagedFolder extends AsyncDisposable {
  readonly path: string
  /** Where a file of the folder is to be written. */
  at(file: string): Promise<string>
  /** Copies what was not written, and gives the folder its name. */
  commit(changes: FolderChanges): Promise<void>
}

/**
 * Begins a folder made from `source`, some graphs of which are written again and all else is copied.
 * @param force replace a model folder of that name
 * @throws TpError TP_OUTPUT for a place where there is something, or that is in the source; TP_WRITE, TP_ABORTED
 */
export async function stageFolder(
  source: FolderGraphs,
  out: string,
  { force = false, signal }: { readonly force?: boolean; readonly signal: AbortSignalLike },
): Promise<StagedFolder> {
  await requireApart(source.folder, out)
  await requireFree(out, force)
  const path = waitingPath(resolve(out))
  await mkdir(path).catch((cause: unknown) => {
    throw writeError(out, cause)
  })
  let committed = false
  return {
    path,
    async at(file) {
      await mkdir(dirname(join(path, file)), { recursive: true })
      return join(path, file)
    },
    async commit({ leftOut, readme }) {
      try {
        await copyOthers(source, path, leftOut)
        const own = await readFile(join(path, 'README.md'), 'utf8').catch(() => undefined)
        await writeFile(join(path, 'README.md'), readme(own))
        await nameTheDefault(source.main, path)
        throwIfAborted(signal, 'tp')
        await requireFree(out, force)
        await replaceFolder(path, out)
      } catch (cause) {
        throw cause instanceof TpError ? cause : writeError(out, cause)
      }
      committed = true
    },
    async [Symbol.asyncDispose]() {
      if (!committed) await removeAll([path])
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
async function requireFree(out: string, force: boolean): Promise<void> {
  if (await isBrokenLink(out)) throw new TpError('TP_OUTPUT', 'tp', `${out} is a link to nothing; give another path`)
  const entry = await stat(out).catch(() => undefined)
  if (entry === undefined) return
  if (!entry.isDirectory()) {
    throw new TpError('TP_OUTPUT', 'tp', `${out} is a file, and a folder is written; give another path`)
  }
  if ((await readdir(out)).length === 0) return
  if (!force)
    throw new TpError('TP_OUTPUT', 'tp', `${out} exists already; --force replaces it, -o OUT writes to another folder`)
  // A mistyped path must not cost a folder of anything else.
  await readFolderGraphs(out).catch((cause: unknown) => {
    throw new TpError('TP_OUTPUT', 'tp', `${out} is not a model folder, and is not replaced; move it away`, { cause })
  })
}

/** Copies all files that were not written. It follows links, which caches of downloads are made of. */
async function copyOthers(source: FolderGraphs, path: string, leftOut: readonly FolderGraph[]): Promise<void> {
  const omitted = await omittedFiles(source, path, leftOut)
  await cp(source.folder, path, {
    ...{ recursive: true, dereference: true, force: false, mode: constants.COPYFILE_FICLONE },
    async filter(from) {
      const own = relative(source.folder, from)
      if (NOT_COPIED.includes(own) || omitted.has(own) || isWaiting(basename(from))) return false
      return !(await lstat(from)).isSymbolicLink() || (await stat(from)).isFile()
    },
  })
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

async function replaceFolder(path: string, out: string): Promise<void> {
  const aside = (await exists(out)) ? waitingPath(resolve(out)) : undefined
  if (aside !== undefined) await rename(out, aside)
  await rename(path, out).catch(async (cause: unknown) => {
    if (aside !== undefined) await rename(aside, out)
    throw cause
  })
  if (aside !== undefined) await rm(aside, { recursive: true, force: true })
}

/** The folder that a command writes unless another is named: `whisper-base.pruned` next to `whisper-base`. */
export function defaultFolder(model: string): string {
  return `${resolve(folderOf(model))}.pruned`
}
