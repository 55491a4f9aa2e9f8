// Ends processes and workers in the middle of runs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runtimeModels } from '@tp/core/testing'
import { attentionModel } from '../operator-model.mjs'

/** The exit code that each ending has to have. */
export const endings = {
  exit: 7,
  exitWithoutEvent: 7,
  exitWhileLoading: 7,
  exitFromAnswer: 7,
  uncaughtError: 1,
  end: 0,
  terminateWorker: 0,
  exitWorker: 7,
  errorInWorker: 7,
  endWorker: 0,
  exitWithWorker: 7,
  collect: 0,
}

/** Folder with the models that the programs load. @returns {Promise<string>} */
export async function writeModels() {
  const folder = await mkdtemp(join(tmpdir(), 'tp-endings-'))
  await writeFile(join(folder, 'slow.onnx'), runtimeModels.slowModel)
  await writeFile(join(folder, 'packed.onnx'), attentionModel())
  return folder
}

/**
 * Ends one process.
 * @param {keyof typeof endings} ending
 * @param {number} delay milliseconds of computing before
 * @param {string} folder of the models
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function tryEnding(ending, delay, folder) {
  const program = fileURLToPath(new URL('program.mjs', import.meta.url))
  const models = [join(folder, 'slow.onnx'), join(folder, 'packed.onnx')]
  const child = spawn(process.execPath, ['--expose-gc', program, ending, String(delay), ...models], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const [code, signal] = await once(child, 'close')
  if (code === endings[ending]) return undefined
  return `${ending} after ${delay} ms: exit code ${code ?? signal}, not ${endings[ending]}\n${errors}`
}
