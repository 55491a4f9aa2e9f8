import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A folder of models as transformers.js wants them: what `env.localModelPath` names. */
export interface ModelFolder {
  /** `files`: path in the model's folder → file to copy, bytes, or what becomes JSON. */
  add(name: string, files: Readonly<Record<string, URL | string | Uint8Array | object>>): Promise<void>
}

export function modelFolder(path: string): ModelFolder {
  return {
    async add(name, files) {
      for (const [file, content] of Object.entries(files)) {
        const target = join(path, name, file)
        await mkdir(dirname(target), { recursive: true })
        if (content instanceof URL || typeof content === 'string') await copyFile(content, target)
        else await writeFile(target, content instanceof Uint8Array ? content : JSON.stringify(content))
      }
    },
  }
}
