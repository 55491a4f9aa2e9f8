import { readdir } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { readFolderGraphs } from '@tp/data/folders'
import { shellWord, typedLauncher } from '../printing/command-line.ts'

/** `tp` alone, to a newcomer: what it is for, and the next commands by what the working folder holds. */
export async function welcome(): Promise<string> {
  const npx = typedLauncher()
  const lines = (...rows: readonly (readonly [command: string, what: string])[]): string => {
    const width = Math.max(...rows.map(([command]) => command.length)) + 2
    return rows.map(([command, what]) => `  ${command.padEnd(width)}${what}`).join('\n')
  }
  const found = await modelHere()
  const head = 'Makes exported transformers faster.'
  if (found === undefined) {
    const tries = lines(
      ['npx tp-models mail my-model', 'writes a model and examples to try'],
      [`${npx}tp prune MODEL`, 'MODEL: an .onnx file, or its folder'],
    )
    return `${head} This folder holds no ONNX file; begin with\n${tries}`
  }
  const { model, table } = found
  const [file, data] = [shellWord(model), shellWord(table ?? 'TABLE')]
  const tries = lines(
    [`${npx}tp inspect ${file}`, 'what can be done'],
    [`${npx}tp prune ${file}`, 'a safe default'],
    [`${npx}tp optimize ${file} --data ${data}`, table === undefined ? 'TABLE: your texts' : 'the fastest'],
  )
  return `${head} This folder holds ${model}; begin with one of\n${tries}`
}

/** A model in the working folder or in one below it, and a table next to it. */
async function modelHere(): Promise<{ readonly model: string; readonly table?: string } | undefined> {
  const entries = await readdir('.', { withFileTypes: true }).catch(() => [])
  const below = entries.filter((entry) => entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name))
  for (const folder of ['.', ...below.map(({ name }) => name)]) {
    const graphs = await readFolderGraphs(folder).catch(() => undefined)
    if (graphs === undefined) continue
    const names = await readdir(folder)
    const table = names.find((name) => /\.(tsv|csv|jsonl)$/.test(name))
    const model = normalize(join(folder, graphs.main.file))
    return { model, ...(table !== undefined && { table: normalize(join(folder, table)) }) }
  }
  return undefined
}
