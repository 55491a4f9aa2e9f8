import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { modelPath } from '@tp/models'
import { afterAll } from 'vitest'

/** A temporary folder of models, removed after the tests of the file. */
export function modelFolder(): { at(...parts: string[]): string; add(name: string, model: Uint8Array): string } {
  const folder = mkdtempSync(join(tmpdir(), 'tp-server-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return {
    at: (...parts) => join(folder, ...parts),
    /** With the mail model's tokenizer and config next to it. */
    add(name, model) {
      mkdirSync(join(folder, name))
      for (const file of ['tokenizer.json', 'config.json']) {
        copyFileSync(join(dirname(modelPath('mail')), file), join(folder, name, file))
      }
      const path = join(folder, name, 'model.onnx')
      writeFileSync(path, model)
      return path
    },
  }
}
