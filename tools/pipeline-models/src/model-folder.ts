import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder of models in the form that transformers.js reads. */
export interface PipelineFolder extends AsyncDisposable {
  /** For `env.localModelPath`; without a slash at its end. */
  readonly path: string
  /** `files`: path in the model's folder → a file to copy, bytes, or what becomes JSON. */
  add(name: string, files: Readonly<Record<string, URL | string | Uint8Array | object>>): Promise<void>
}

/** At `path`, or in a temporary folder; it is removed with all that is in it. */
export async function openModelFolder(path?: string): Promise<PipelineFolder> {
  const root = path ?? (await mkdtemp(join(tmpdir(), 'tp-models-')))
  return {
    path: root,
    async add(name, files) {
      for (const [file, content] of Object.entries(files)) {
        const target = join(root, name, file)
        await mkdir(dirname(target), { recursive: true })
        if (content instanceof URL || typeof content === 'string') await copyFile(content, target)
        else await writeFile(target, content instanceof Uint8Array ? content : JSON.stringify(content))
      }
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}
