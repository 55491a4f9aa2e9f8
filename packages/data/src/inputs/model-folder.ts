import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { isTpError, TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import { readBytes } from '../read-bytes.ts'
import { type ModelFacts, modelFacts } from './model-facts.ts'
import { type SentenceModule, sentenceModules } from './pooling.ts'

/** Limit for a config.json; files with many classes have some MB. */
const MOST_BYTES = 64 * 2 ** 20

/** Files that say how a model reads its inputs, by the names that Hugging Face gives them. */
const FILES = [
  ...['config.json', 'preprocessor_config.json', 'processor_config.json'],
  ...['tokenizer.json', 'tokenizer_config.json', 'modules.json', 'config_sentence_transformers.json'],
]

/** The configuration of a text model as Sentence Transformers writes it; older versions name the architecture. */
const SENTENCE_FILES = ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map(
  (architecture) => `sentence_${architecture}_config.json`,
)

/** The facts about a model's inputs, classes and vectors in the files next to it; undefined where they are missing. */
export interface ModelFolder extends ModelFacts {
  /** Path of tokenizer.json. */
  readonly tokenizer: string | undefined
}

/**
 * Reads what lies next to an ONNX file (or in the folder above, if its own is called `onnx`): config.json,
 * preprocessor_config.json or processor_config.json, tokenizer.json and tokenizer_config.json as Hugging Face lays them out, and modules.json,
 * config_sentence_transformers.json, sentence_bert_config.json and 1_Pooling/config.json as Sentence Transformers does. Missing files are fine.
 * @throws TpError TP_DATA for a file that is invalid JSON
 */
export async function readModelFolder(modelPath: string): Promise<ModelFolder> {
  const folders = foldersOf(modelPath)
  const modules = await readModules(folders)
  const [config = {}, preprocessor, tokenizerConfig, pooling, sentence, sentences, tokenizer] = await Promise.all([
    readIfThere(folders, 'config.json'),
    preprocessorIn(folders),
    readIfThere(folders, 'tokenizer_config.json'),
    readIfThere(folders, poolingFile(modules)),
    readFirst(folders, sentenceFiles(modules)),
    readIfThere(folders, 'config_sentence_transformers.json'),
    find(folders, 'tokenizer.json'),
  ])
  const names = [modelPath, resolve(folders.at(-1) ?? '')]
  const others = { tokenizerConfig, sentence, sentences, modules, pooling, names }
  return { ...modelFacts(config, preprocessor, others), tokenizer }
}

/**
 * The most tokens that the files next to an ONNX file allow: undefined where they do not say it, and where one of them is broken, which is not a
 * reason to refuse what only counts.
 */
export async function maxTokensOf(modelPath: string): Promise<number | undefined> {
  const folder = await readModelFolder(modelPath).catch((error: unknown) => {
    if (!isTpError(error)) throw error
    return undefined
  })
  return folder?.maxTokens
}

/**
 * A file of JSON next to an ONNX file, as {@link readModelFolder} looks for it; empty where it is missing.
 * @throws TpError TP_DATA for a file that is invalid JSON
 */
export async function readFolderJson(modelPath: string, name: string): Promise<object> {
  return (await readIfThere(foldersOf(modelPath), name)) ?? {}
}

/** How images or recordings are prepared, by the files next to an ONNX file; empty where they do not say it. @throws TpError TP_DATA */
export function readPreprocessor(modelPath: string): Promise<object> {
  return preprocessorIn(foldersOf(modelPath))
}

/** The entries of preprocessor_config.json; from version 5 on transformers writes them into processor_config.json. */
async function preprocessorIn(folders: readonly string[]): Promise<object> {
  const own = await readIfThere(folders, 'preprocessor_config.json')
  if (own !== undefined) return own
  const { image_processor: images, feature_extractor: sounds }: Processor =
    (await readIfThere(folders, 'processor_config.json')) ?? {}
  return { ...(isRecord(images) && images), ...(isRecord(sounds) && sounds) }
}

interface Processor {
  readonly image_processor?: unknown
  readonly feature_extractor?: unknown
}

/** The text of a file next to an ONNX file; undefined where it is missing. @throws TpError TP_DATA */
export async function readFolderText(modelPath: string, name: string): Promise<string | undefined> {
  const path = await find(foldersOf(modelPath), name)
  return path === undefined
    ? undefined
    : new TextDecoder().decode(await readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES }))
}

/**
 * The files that {@link readModelFolder} reads, as far as they exist: paths by their names in the folder, always in one order. A broken
 * one is among them.
 */
export async function modelFolderFiles(modelPath: string): Promise<ReadonlyMap<string, string>> {
  const folders = foldersOf(modelPath)
  const modules = await readModules(folders).catch(() => [])
  const names = [...FILES, ...sentenceFiles(modules), poolingFile(modules)]
  const found = await Promise.all(names.map(async (name) => [name, await find(folders, name)] as const))
  return new Map(found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined))
}

/** The folder of a file, whatever the current one is: `model.onnx` may lie in one that is called `onnx`. */
function foldersOf(modelPath: string): string[] {
  const folder = dirname(modelPath)
  const isOnnx = basename(resolve(folder)) === 'onnx'
  return isOnnx ? [folder, join(folder, '..')] : [folder]
}

/** @throws TpError TP_DATA, also for a folder that is not below the model's */
async function readModules(folders: readonly string[]): Promise<SentenceModule[]> {
  const modules = sentenceModules(await readIfThere(folders, 'modules.json'))
  const outside = modules.find(({ path }) => isAbsolute(path) || path.split(/[/\\]/).includes('..'))
  if (outside === undefined) return modules
  const seen = `modules.json names the folder ${outside.path}, which is outside of the model's`
  throw new TpError('TP_DATA', 'data', `${folders[0]}: ${seen}`)
}

function poolingFile(modules: readonly SentenceModule[]): string {
  const path = modules.find(({ type }) => type === 'Pooling' || type === 'SpladePooling')?.path
  return join(path || '1_Pooling', 'config.json')
}

/** They lie next to modules.json today; early versions put the model into a folder of its own. */
function sentenceFiles([model]: readonly SentenceModule[]): string[] {
  const { path } = model ?? { path: '' }
  return [...SENTENCE_FILES.map((name) => join(path, name)), ...(path === '' ? [] : SENTENCE_FILES)]
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

async function readFirst(folders: readonly string[], names: readonly string[]): Promise<object | undefined> {
  for (const name of names) {
    const json = await readIfThere(folders, name)
    if (json !== undefined) return json
  }
  return undefined
}

/** A file of JSON in the first of some folders that has it; undefined where it is missing. @throws TpError TP_DATA for a file that is invalid JSON */
export async function readIfThere(folders: readonly string[], name: string): Promise<object | undefined> {
  const path = await find(folders, name)
  if (path === undefined) return undefined
  const bytes = await readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES })
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw new TpError('TP_DATA', 'data', `${path}: is invalid JSON`, { cause })
  }
  throw new TpError('TP_DATA', 'data', `${path}: is not a JSON object`)
}
