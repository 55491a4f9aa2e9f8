import { shellWord } from '@tp/core/host'
import { findModel } from '@tp/data/folders'
import { typedLauncher } from '../printing/command-line.ts'

/** A project that installs the command does not have the models; a clone has. */
const isInstalled = import.meta.url.includes('/node_modules/')

/** `tp` alone, to a newcomer: what it is for, and the next commands by what the working folder holds. */
export async function welcome(): Promise<string> {
  const npx = typedLauncher()
  const lines = (...rows: readonly (readonly [command: string, what: string])[]): string => {
    const width = Math.max(...rows.map(([command]) => command.length)) + 2
    return rows.map(([command, what]) => `  ${command.padEnd(width)}${what}`).join('\n')
  }
  const found = await findModel('.')
  const head = 'Makes exported transformers faster.'
  if (found === undefined) {
    const tries = lines(
      [`npx ${isInstalled ? '-p @tp/models ' : ''}tp-models mail my-model`, 'writes a model and examples to try'],
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
