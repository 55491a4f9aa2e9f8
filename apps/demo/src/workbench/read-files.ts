import { TpError } from '@tp/core'
import { modelFacts, openTokenizer } from '@tp/data/inputs'
import { type BytesRead, readBytes } from '../loading/read-bytes.ts'
import type { ModelSource } from './model-source.ts'

/** Files that belong to a model, by their names. */
export const companions: readonly string[] = [
  'tokenizer.json',
  'config.json',
  'preprocessor_config.json',
  'tokenizer_config.json',
  'sentence_bert_config.json',
]
const isModel = ({ name }: File): boolean => /\.onnx$/i.test(name)
/** Weights outside the model: names that exporters give them. */
const isData = ({ name }: File): boolean => /(\.onnx[._]data(_\d+)?|\.data|\.bin|\.weights?)$/i.test(name)

/**
 * A model of the user's own: an .onnx file, and the files next to it. Later files add to earlier ones.
 * @throws TpError TP_FILES, TP_TOKENIZER, TP_DATA
 */
export async function readFiles(
  files: readonly File[],
  before: ModelSource | undefined,
  onProgress: (progress: BytesRead) => void,
): Promise<ModelSource> {
  const models = files.filter(isModel)
  const find = (name: string): File | undefined => files.find((file) => file.name === name)
  const other = files.find((file) => !isModel(file) && !isData(file) && !companions.includes(file.name))
  const [model] = models
  if (other !== undefined) {
    throw problem(
      `${other.name} is neither an .onnx file nor one of ${companions.join(', ')}, nor a data file (.onnx.data).`,
    )
  }
  if (models.length > 1) throw problem(`there are ${models.length} .onnx files; open one at a time.`)
  if (model === undefined && before === undefined)
    throw problem('there is no .onnx file among these; open it with them.')
  const [tokenizer, config, preprocessor, tokenizerConfig, sentence] = await Promise.all([
    find('tokenizer.json')?.text(),
    readJson(find('config.json')),
    readJson(find('preprocessor_config.json')),
    readJson(find('tokenizer_config.json')),
    readJson(find('sentence_bert_config.json')),
  ])
  const read = await readAll([...models, ...files.filter(isData)], onProgress)
  const kept = model === undefined ? before : undefined
  return {
    name: model?.name.replace(/\.onnx$/i, '') ?? (before?.name as string),
    bytes: model === undefined ? (before?.bytes as Uint8Array) : (read.get(model.name) as Uint8Array),
    data: new Map([...(kept?.data ?? []), ...[...read].filter(([name]) => name !== model?.name)]),
    facts: { ...kept?.facts, ...defined(modelFacts(config, preprocessor, { tokenizerConfig, sentence })) },
    tokenizer: tokenizer === undefined ? kept?.tokenizer : openTokenizer(tokenizer, 'tokenizer.json'),
  }
}

/** Large files, by their names. */
async function readAll(
  files: readonly File[],
  onProgress: (progress: BytesRead) => void,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const of = files.reduce((sum, { size }) => sum + size, 0)
  const read = new Map<string, Uint8Array>()
  let before = 0
  for (const file of files) {
    const stream = file.stream() as ReadableStream<Uint8Array<ArrayBuffer>>
    read.set(file.name, await readBytes(stream, file.size, ({ bytes }) => onProgress({ bytes: before + bytes, of })))
    before += file.size
  }
  return read
}

async function readJson(file: File | undefined): Promise<object> {
  if (file === undefined) return {}
  try {
    const value: unknown = JSON.parse(await file.text())
    if (typeof value === 'object' && value !== null) return value
  } catch {}
  throw new TpError('TP_DATA', 'demo', `${file.name} is not a JSON object.`)
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>
}

function problem(message: string): TpError {
  return new TpError('TP_FILES', 'demo', message)
}
