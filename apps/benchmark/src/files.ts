import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'

const root = new URL('../../../', import.meta.url)

/** A file of the project. */
export function projectPath(path: string): string {
  return fileURLToPath(new URL(path, root))
}

/** The files that programs read: `reports/…`, which is not part of the project. */
export function reportsPath(path: string): string {
  return projectPath(`reports/${path}`)
}

/** Models and data that are not part of the project lie next to it, or where `TP_SHARED` says. */
const SHARED = process.env.TP_SHARED ?? fileURLToPath(new URL('../shared', root))

/** @throws TpError TP_FILE_NOT_FOUND */
export function sharedPath(path: string): string {
  const whole = join(SHARED, path)
  if (existsSync(whole)) return whole
  const expected = 'it is expected in a folder "shared" next to the project, or in the folder that TP_SHARED names'
  throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${path} does not exist; ${expected}`)
}

/** The path of a model or suite, if it is there. @throws TpError TP_FILE_NOT_FOUND unless `npm run models` has put it there */
export function installed(name: string, path: string | undefined): string {
  if (path !== undefined) return path
  throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${name} is not installed; npm run models -- ${name} fetches it`)
}

/** Writes a file whole or not at all, also while others write it; folders that are missing are made. */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}.tmp`
  await writeFile(temporary, contents)
  await rename(temporary, path)
}

/** The surroundings that numbers depend on, besides the project. */
export async function surroundings(runtime: Runtime): Promise<{ readonly machine: string; readonly versions: string }> {
  const { runtime: name, version, device } = await runtime.diagnose()
  return {
    machine: `${device}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    versions: `${name} ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  }
}
