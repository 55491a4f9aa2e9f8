import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { TpError } from '@tp/core'
import { exists } from '../files/exists.ts'
import { skippedNotes, walkFolder } from '../files/walk-folder.ts'
import type { Dataset, Modality } from './dataset.ts'
import { readIdxImages } from './idx.ts'
import { imageFolder, isImageFile } from './image-folder.ts'
import { readPairs } from './pairs.ts'
import { isRetrievalFolder, type RetrievalOptions, readRetrievalFolder } from './retrieval/retrieval-folder.ts'
import { isTable, tableExtension } from './table/read-table.ts'
import { readTextExamples, type TableOptions } from './text-examples.ts'
import { isWavFile, wavFolder } from './wav-folder.ts'

export interface DatasetOptions extends TableOptions, Omit<RetrievalOptions, 'limit'> {
  /** Whether the model ranks: then tables of pairs need no labels, and hold the relevance of the second text if they have any. */
  readonly ranks?: boolean | undefined
  /** The model's modality; data of another kind are an error. */
  readonly modality?: Modality | undefined
}

const KINDS =
  'a table of texts and their labels (.tsv, .txt, .csv, .jsonl, .ndjson, .json; .gz or not), a folder with IDX files (…images-idx3-ubyte and …labels-idx1-ubyte, .gz or not), ' +
  'a folder of images in sub-folders named by label, a folder of WAV files named label__name.wav or in such sub-folders; all of these without labels, too; ' +
  'or a folder of documents and queries (corpus.jsonl, queries.jsonl, qrels)'

/**
 * Opens a data set, labeled or not, and detects its kind.
 * @throws TpError TP_DATA when it is missing, of no known kind, of another kind than the model takes, or has a bad label
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { limit, modality } = options
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1)) {
    throw new TpError('TP_OPTION', 'data', `limit is ${limit}; it is a number of examples, 1 or more`)
  }
  const isOfFiles = await isFolder(path)
  const isRetrieval = isOfFiles && (await isRetrievalFolder(path))
  const dataset = await (isRetrieval ? readRetrievalFolder : isOfFiles ? openFolder : openFile)(path, options)
  const columns = options.textColumn ?? options.pairColumn ?? options.labelColumn
  const ofRetrieval = options.candidates ?? options.split ?? options.top
  if (!isRetrieval && ofRetrieval !== undefined) {
    const problem = 'is not a folder of documents and queries; only such a folder has candidates, a split and a top'
    throw new TpError('TP_OPTION', 'data', `${path}: ${problem}`)
  }
  if ((isRetrieval || dataset.modality !== 'text') && columns !== undefined) {
    throw new TpError('TP_OPTION', 'data', `${path}: is not a table; only a table has text and label columns to name`)
  }
  if (modality !== undefined && dataset.modality !== modality) {
    throw new TpError('TP_DATA', 'data', `${path}: holds ${dataset.modality} data, but the model takes ${modality}`)
  }
  return dataset
}

async function openFile(path: string, options: DatasetOptions): Promise<Dataset> {
  if (isIdxImages(path)) return openIdx(path, options)
  if (isTable(path)) return readTexts(path, options)
  throw new TpError('TP_DATA', 'data', `${path}: is not a data set that can be read. Readable: ${KINDS}`)
}

async function readTexts(path: string, options: DatasetOptions): Promise<Dataset> {
  return (options.ranks && (await readPairs(path, options))) || readTextExamples(path, options)
}

async function openFolder(folder: string, options: DatasetOptions): Promise<Dataset> {
  const { files, skipped } = await walkFolder(folder)
  const dataset = await openFiles(folder, files, options)
  return { ...dataset, notes: skippedNotes(folder, skipped) }
}

async function openFiles(folder: string, files: readonly string[], options: DatasetOptions): Promise<Dataset> {
  const only = (kind: string, found: readonly string[]): string => {
    if (found.length === 1) return found[0] as string
    const names = found.slice(0, 8).map((file) => basename(file))
    throw new TpError(
      'TP_DATA',
      'data',
      `${folder}: holds ${found.length} ${kind} (${names.join(', ')}); give one of them`,
    )
  }
  const idx = files.filter(isIdxImages)
  if (idx.length > 0) return openIdx(only('IDX files of images', idx), options)
  const wavs = files.filter(isWavFile)
  if (wavs.length > 0) return wavFolder(folder, wavs, options)
  const images = files.filter(isImageFile)
  if (images.length > 0) return imageFolder(folder, images, options)
  const tables = files.filter((file) => isTable(file) && !['.txt', '.json'].includes(tableExtension(file)))
  if (tables.length > 0) return readTexts(only('tables', tables), options)
  throw new TpError('TP_DATA', 'data', `${folder}: holds no data that can be read. Readable: ${KINDS}`)
}

/** Whether a file's name marks it as data when its folder is opened. */
export function isDatasetFile(path: string): boolean {
  const name = basename(path)
  if (name.startsWith('.')) return false
  return (
    /idx[134]-ubyte(\.gz)?$/.test(name) ||
    isWavFile(name) ||
    isImageFile(name) ||
    extname(name).toLowerCase() === '.tsv'
  )
}

/** Where the labels of an IDX file of images may be; nothing for other files. */
export function idxLabels(images: string): string[] {
  if (!isIdxImages(images)) return []
  const stem = basename(images)
    .replace(/\.gz$/, '')
    .replace(/images([-.])idx[34]/, 'labels$1idx1')
  return [`${stem}.gz`, stem].map((name) => join(dirname(images), name))
}

function isIdxImages(path: string): boolean {
  return /images[-.]idx[34]-ubyte(\.gz)?$/.test(basename(path))
}

async function openIdx(images: string, options: DatasetOptions): Promise<Dataset> {
  for (const labels of options.unlabeled ? [] : idxLabels(images)) {
    if (await exists(labels)) return readIdxImages(images, labels, options)
  }
  return readIdxImages(images, undefined, options)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new TpError('TP_DATA', 'data', `${path}: there is no such file or folder`, { cause })
  }
}
