import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import type { Normalisation } from './normalisation.ts'

/** What the files beside a model say about its inputs and classes; what they do not say is undefined. */
export interface ModelFolder {
  /** Class names by number, from config.json. */
  readonly labels: readonly string[] | undefined
  /** Longest text in tokens, special ones included. */
  readonly maxTokens: number | undefined
  readonly vocabularySize: number | undefined
  /** Path of tokenizer.json. */
  readonly tokenizer: string | undefined
  readonly normalisation: Normalisation | undefined
  /** Side of the square pictures. */
  readonly imageSize: number | undefined
  /** Samples a second. */
  readonly sampleRate: number | undefined
}

interface Config {
  readonly id2label?: Readonly<Record<string, string>>
  readonly max_position_embeddings?: number
  readonly model_type?: string
  readonly pad_token_id?: number
  readonly vocab_size?: number
  readonly image_size?: unknown
}

interface Preprocessor {
  readonly image_mean?: readonly number[]
  readonly image_std?: readonly number[]
  readonly do_normalize?: boolean
  readonly sampling_rate?: number
}

/** Position ids of this family begin behind the padding id, so that many rows of the table are never used. */
const POSITIONS_AFTER_PADDING: readonly string[] = ['roberta', 'xlm-roberta', 'camembert', 'xlm-roberta-xl', 'mpnet']

/**
 * Reads config.json, preprocessor_config.json and tokenizer.json, as Hugging Face lays them out, from the folder of an
 * ONNX file (or from the one above, if that is called `onnx`). Missing files are fine.
 * @throws TpError TP_DATA for a file that is there but is no JSON
 */
export async function readModelFolder(modelPath: string): Promise<ModelFolder> {
  const folder = dirname(modelPath)
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]
  const [config, preprocessor, tokenizer] = await Promise.all([
    readJson<Config>(folders, 'config.json'),
    readJson<Preprocessor>(folders, 'preprocessor_config.json'),
    find(folders, 'tokenizer.json'),
  ])
  return {
    labels: labelsOf(config),
    maxTokens: maxTokensOf(config),
    vocabularySize: config.vocab_size,
    tokenizer,
    normalisation: normalisationOf(preprocessor),
    imageSize: typeof config.image_size === 'number' ? config.image_size : undefined,
    sampleRate: preprocessor.sampling_rate,
  }
}

function labelsOf({ id2label }: Config): readonly string[] | undefined {
  if (id2label === undefined) return undefined
  return Array.from({ length: Object.keys(id2label).length }, (_, id) => id2label[id] ?? `LABEL_${id}`)
}

function maxTokensOf({ max_position_embeddings: positions, model_type: type, pad_token_id: pad }: Config) {
  if (positions === undefined || positions < 3) return undefined
  return type !== undefined && POSITIONS_AFTER_PADDING.includes(type) ? positions - (pad ?? 1) - 1 : positions
}

function normalisationOf({ image_mean: mean, image_std: std, do_normalize: asked }: Preprocessor) {
  if (asked === false) return { mean: [0], std: [1] }
  return mean !== undefined && std !== undefined ? { mean, std } : undefined
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

async function readJson<T extends object>(folders: readonly string[], name: string): Promise<Partial<T>> {
  const path = await find(folders, name)
  if (path === undefined) return {}
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value === 'object' && value !== null) return value as Partial<T>
  } catch (cause) {
    throw new TpError('TP_DATA', 'eval', `${path}: is not JSON`, { cause })
  }
  throw new TpError('TP_DATA', 'eval', `${path}: is not a JSON object`)
}
