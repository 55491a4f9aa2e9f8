import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { type RealModelName, realModel } from 'real-models'

/** The files that opening a model with its data requires. */
export interface Files {
  readonly runtime: Runtime
  /** Path of a file or folder next to the project. */
  readonly shared: (...parts: string[]) => string
}

/** Limits of a trial run: examples of each part of the data at most, and time in ms for each comparison of times. */
export const limits: { examples: number; ms: number } = {
  examples: Number.POSITIVE_INFINITY,
  ms: Number.POSITIVE_INFINITY,
}

/** From now on everything is small, and kept apart from what is measured. */
export function beginTrial(): void {
  Object.assign(limits, { examples: 64, ms: 1 })
}

/** Models and data that are not part of the project lie next to it, or where `TP_SHARED` says. */
const SHARED = process.env.TP_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url))

/** @throws TpError TP_FILE_NOT_FOUND */
export function sharedPath(...parts: string[]): string {
  const path = join(SHARED, ...parts)
  if (existsSync(path)) return path
  throw new TpError(
    'TP_FILE_NOT_FOUND',
    'benchmark',
    `${parts.join('/')} does not exist; it is expected in a folder "shared" next to the project, or in the folder that TP_SHARED names`,
  )
}

/** The ONNX file of a published model. @throws TpError TP_FILE_NOT_FOUND unless `npm run models` has put it there */
export function publishedModel(name: RealModelName): string {
  const path = realModel(name)
  if (path !== undefined) return path
  throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${name} is not installed; npm run models -- ${name} fetches it`)
}

const root = new URL('../../../', import.meta.url)

/** A file of the project. */
export function projectPath(path: string): string {
  return fileURLToPath(new URL(path, root))
}

/** The files that programs read: `reports/…`, which is not part of the project; trial runs have a folder of their own. */
export function reportsPath(path: string): string {
  return projectPath(`reports/${Number.isFinite(limits.examples) ? 'trial/' : ''}${path}`)
}

/** The trained files. */
export function learnedPath(path: string): string {
  return reportsPath(`learned/${path}`)
}

/** Writes a file whole or not at all, also next to others that write it; folders that are missing are made. */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}.tmp`
  await writeFile(temporary, contents)
  await rename(temporary, path)
}

/** JSON from its file below `reports`, or made now and kept there. */
export async function keptJson<T>(path: string, make: () => Promise<T>): Promise<T> {
  try {
    return JSON.parse(await readFile(reportsPath(path), 'utf8'))
  } catch {
    const made = await make()
    await writeWhole(reportsPath(path), JSON.stringify(made))
    return made
  }
}
