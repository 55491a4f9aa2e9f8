import { TpError } from '@tp/core'
import { modelFacts, openTokenizer } from '@tp/eval/inputs'
import type { ModelSource } from './model-source.ts'

/**
 * A model of the user's own: an .onnx file, and the files next to it. Later files add to earlier ones.
 * @throws TpError TP_FILES, TP_TOKENIZER, TP_DATA
 */
export async function readFiles(files: readonly File[], before: ModelSource | undefined): Promise<ModelSource> {
  const models = files.filter(({ name }) => name.toLowerCase().endsWith('.onnx'))
  const find = (name: string): File | undefined => files.find((file) => file.name === name)
  const other = files.find(({ name }) => !name.toLowerCase().endsWith('.onnx') && !known.includes(name))
  const [model] = models
  if (other !== undefined) throw problem(`${other.name} is neither an .onnx file nor one of ${known.join(', ')}.`)
  if (models.length > 1) throw problem(`there are ${models.length} .onnx files; open one at a time.`)
  if (model === undefined && before === undefined)
    throw problem('there is no .onnx file among these; open it with them.')
  const [tokenizer, config, preprocessor] = await Promise.all([
    find('tokenizer.json')?.text(),
    readJson(find('config.json')),
    readJson(find('preprocessor_config.json')),
  ])
  const kept = model === undefined ? before : undefined
  return {
    name: model?.name.replace(/\.onnx$/i, '') ?? (before?.name as string),
    bytes: model === undefined ? (before?.bytes as Uint8Array) : new Uint8Array(await model.arrayBuffer()),
    facts: { ...kept?.facts, ...defined(modelFacts(config, preprocessor)) },
    tokenizer: tokenizer === undefined ? kept?.tokenizer : openTokenizer(tokenizer, 'tokenizer.json'),
  }
}

const known: readonly string[] = ['tokenizer.json', 'config.json', 'preprocessor_config.json']

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
