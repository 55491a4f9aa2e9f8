import { join } from 'node:path'
import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import { readIfThere } from '../inputs/model-folder.ts'
import { type FolderGraphs, isDirectory, readFolderGraphs } from './graphs.ts'

/** How many image tokens a processor puts into a prompt, as the files of a model folder say it. */
export interface ImagePrompt {
  /** For each image (each tile, where images are split); absent where no file says it. */
  readonly tokens: number | undefined
  /** The files of JSON, by their names, with which a prompt has `tokens` in place of `of` for each. */
  changed(tokens: number, of: number): Readonly<Record<string, object>>
}

/** Where a processor of transformers.js and of transformers looks: the number itself, or what is added to that of the patches. */
type Key =
  | { readonly file: string; readonly count: string; readonly isOptional?: boolean }
  | { readonly file: string; readonly added: string }

const [PROCESSOR, PREPROCESSOR] = ['processor_config.json', 'preprocessor_config.json']

const KEYS: Readonly<Record<string, Key>> = {
  Idefics3Processor: { file: PROCESSOR, count: 'image_seq_len' },
  SmolVLMProcessor: { file: PROCESSOR, count: 'image_seq_len' },
  Gemma3Processor: { file: PROCESSOR, count: 'image_seq_length' },
  PaliGemmaProcessor: { file: PREPROCESSOR, count: 'image_seq_length' },
  // Its features are joined to those of the text, so that there are no placeholders; Python's processor reads the number.
  Florence2Processor: { file: PREPROCESSOR, count: 'image_seq_length', isOptional: true },
  LlavaProcessor: { file: PROCESSOR, added: 'num_additional_image_tokens' },
}

const GRID =
  'the number of placeholders follows from the size of each image, and the positions of the decoder from the rows and columns of all patches'

/** Why the others take no number. */
const REASONS: Readonly<Record<string, string>> = {
  ...{ Qwen2VLProcessor: GRID, Qwen2_5_VLProcessor: GRID, Qwen3VLProcessor: GRID, Glm46VProcessor: GRID },
  Phi3VProcessor:
    'its number of placeholders is computed from the crops of each image, by a formula that nothing changes',
  PixtralProcessor: 'it puts a mark after each row of patches, so that rows have to be whole',
  Lfm2VlProcessor: 'the number of placeholders follows from the size of each image',
  VLChatProcessor: 'one file embeds images and text together',
}

/**
 * The vision encoder of a vision-language model that is laid out for transformers.js: `vision_encoder.onnx` next to `embed_tokens.onnx`.
 * @param path a folder, or that file in it
 * @returns the path of the file in float32 (or the only one); undefined for other folders
 */
export async function visionEncoderOf(path: string): Promise<string | undefined> {
  const isFolder = await isDirectory(path)
  const graphs = await readFolderGraphs(path).catch(() => undefined)
  if (graphs === undefined || !(isFolder || graphs.main.name === VISION)) return undefined
  const { folder, main, variants, others, decoders } = graphs
  const all = [main, ...variants, ...others, ...decoders]
  const found = isFolder ? all.filter(({ name }) => name === VISION) : [main]
  const encoder = found.find(({ dtype }) => dtype === 'fp32') ?? found[0]
  return encoder && all.some(({ name }) => name === EMBEDDING) ? join(folder, encoder.file) : undefined
}

const [VISION, EMBEDDING] = ['vision_encoder', 'embed_tokens']

/** Whether a folder is about the vision encoder of a vision-language model. */
export function isVisionLanguage({ main, others }: FolderGraphs): boolean {
  return main.name === VISION && others.some(({ name }) => name === EMBEDDING)
}

/**
 * How the prompt of a vision-language model gets its image tokens.
 * @throws TpError TP_IMAGE_TOKENS where no file can say how many, TP_DATA for a file that is invalid JSON
 */
export async function readImagePrompt(folder: string): Promise<ImagePrompt> {
  const files = new Map<string, Record<string, unknown>>()
  for (const file of [PROCESSOR, PREPROCESSOR]) {
    const json = await readIfThere([folder], file)
    if (isRecord(json)) files.set(file, json)
  }
  const own = [PREPROCESSOR, PROCESSOR]
    .map((file) => files.get(file)?.processor_class)
    .find((name) => name !== undefined)
  const name = String(own ?? 'without a name')
  const key = KEYS[name]
  if (key === undefined)
    throw problem(folder, name, REASONS[name] ?? `only those of ${Object.keys(KEYS).join(', ')} are known`)
  const config = files.get(key.file)
  const field = 'count' in key ? key.count : key.added
  const value = config?.[field] ?? ('added' in key ? 0 : undefined)
  if (value === undefined && 'count' in key && key.isOptional) return { tokens: undefined, changed: () => ({}) }
  if (config === undefined || !Number.isInteger(value)) {
    throw problem(
      folder,
      name,
      `${key.file} says ${field} ${JSON.stringify(value) ?? 'nowhere'}, and not a whole number`,
    )
  }
  const number = value as number
  return {
    tokens: 'count' in key ? number : undefined,
    changed: (tokens, of) => ({ [key.file]: { ...config, [field]: 'count' in key ? tokens : number - (of - tokens) } }),
  }
}

function problem(folder: string, processor: string, reason: string): TpError {
  const seen = `image tokens of ${folder} are not pruned, since its processor (${processor}) takes no number of them: ${reason}`
  return new TpError(
    'TP_IMAGE_TOKENS',
    'data',
    `${seen}; a prompt is pruned in the decoder: give the path of that file`,
  )
}
