import { TpError } from '@tp/core'

/** A model's files by their paths in its folder. */
export type SpeechFiles = ReadonlyMap<string, File>

/** Without these transformers.js makes no pipeline; the models it looks for itself. */
const needed = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
]
/**
 * Files of a folder that a person has chosen, by their paths below the folder that holds config.json.
 * @throws TpError TP_FILES if it is not a model of speech in the layout of transformers.js
 */
export function modelFiles(files: readonly File[]): SpeechFiles {
  const pathOf = (file: File): string => file.webkitRelativePath || file.name
  const depth = (path: string): number => path.split('/').length
  const [config] = files
    .map(pathOf)
    .filter((path) => /(^|\/)config\.json$/.test(path))
    .sort((a, b) => depth(a) - depth(b))
  if (config === undefined) throw problem('there is no config.json in this folder.')
  const root = config.slice(0, -'config.json'.length)
  const found = new Map(files.map((file) => [pathOf(file), file] as const))
  const inside = new Map(
    [...found].flatMap(([path, file]) => (path.startsWith(root) ? [[path.slice(root.length), file]] : [])),
  )
  const missing = needed.find((name) => !inside.has(name))
  if (missing !== undefined) throw problem(`there is no ${missing} next to config.json.`)
  return inside
}

function problem(message: string): TpError {
  return new TpError('TP_FILES', 'demo', message)
}
