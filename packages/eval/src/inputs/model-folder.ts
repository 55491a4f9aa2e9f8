import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { readBytes } from '../read-bytes.ts'
import { type ModelFacts, modelFacts } from './model-facts.ts'

/** Of a config.json; those of many classes have some MB. */
const MOST_BYTES = 64 * 2 ** 20

/** What the files next to a model say about its inputs and classes; undefined where they do not. */
export interface ModelFolder extends ModelFacts {
  /** Path of tokenizer.json. */
  readonly tokenizer: string | undefined
}

/**
 * Reads config.json, preprocessor_config.json and tokenizer.json, as Hugging Face lays them out, from the folder of an
 * ONNX file (or from the one above, if that is called `onnx`). Missing files are fine.
 * @throws TpError TP_DATA for a file that is invalid JSON
 */
export async function readModelFolder(modelPath: string): Promise<ModelFolder> {
  const folders = foldersOf(modelPath)
  const [config, preprocessor, tokenizer] = await Promise.all([
    readJson(folders, 'config.json'),
    readJson(folders, 'preprocessor_config.json'),
    find(folders, 'tokenizer.json'),
  ])
  return { ...modelFacts(config, preprocessor), tokenizer }
}

/**
 * A file of JSON next to an ONNX file, as {@link readModelFolder} looks for it; empty where it is missing.
 * @throws TpError TP_DATA for a file that is invalid JSON
 */
export function readFolderJson(modelPath: string, name: string): Promise<object> {
  return readJson(foldersOf(modelPath), name)
}

/** The text of a file next to an ONNX file; undefined where it is missing. @throws TpError TP_DATA */
export async function readFolderText(modelPath: string, name: string): Promise<string | undefined> {
  const path = await find(foldersOf(modelPath), name)
  return path === undefined
    ? undefined
    : new TextDecoder().decode(await readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES }))
}

/** Paths of the files that may describe a model, whether they exist or not. */
export function modelFolderFiles(modelPath: string): string[] {
  const names = ['config.json', 'preprocessor_config.json', 'tokenizer.json']
  return foldersOf(modelPath).flatMap((folder) => names.map((name) => join(folder, name)))
}

function foldersOf(modelPath: string): string[] {
  const folder = dirname(modelPath)
  return basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]
}

async function find(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    const there = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    )
    if (there) return path
  }
  return undefined
}

async function readJson(folders: readonly string[], name: string): Promise<object> {
  const path = await find(folders, name)
  if (path === undefined) return {}
  const bytes = await readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES })
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw new TpError('TP_DATA', 'eval', `${path}: is invalid JSON`, { cause })
  }
  throw new TpError('TP_DATA', 'eval', `${path}: is not a JSON object`)
}
