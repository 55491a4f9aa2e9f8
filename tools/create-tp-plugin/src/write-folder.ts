import { mkdir, mkdtemp, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import type { PluginFiles } from './templates.ts'

/**
 * Writes files into an empty or new folder: first into a folder next to it, then all are moved.
 * @throws TpError TP_NOT_WRITABLE; then no file remains
 */
export async function writeFolder(folder: string, files: PluginFiles): Promise<void> {
  const made = await tried(folder, mkdir(folder, { recursive: true }))
  let stage: string | undefined
  const placed: string[] = []
  try {
    // Inside, where it is on the same disk whatever is mounted, and where it may be written if anything may.
    stage = await mkdtemp(join(folder, '.create-'))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(stage, path)), { recursive: true })
      await writeFile(join(stage, path), text)
    }
    for (const top of new Set(Object.keys(files).map((path) => path.split('/')[0] as string))) {
      await rename(join(stage, top), join(folder, top))
      placed.push(top)
    }
    await rmdir(stage)
  } catch (cause) {
    for (const path of [...placed.map((top) => join(folder, top)), ...(stage === undefined ? [] : [stage])])
      await rm(path, { recursive: true, force: true })
    // the first of the folders that were not there before
    if (made !== undefined) await rm(made, { recursive: true, force: true })
    throw notWritable(folder, cause)
  }
}

async function tried<T>(folder: string, step: Promise<T>): Promise<T> {
  try {
    return await step
  } catch (cause) {
    throw notWritable(folder, cause)
  }
}

function notWritable(folder: string, cause: unknown): TpError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TpError('TP_NOT_WRITABLE', 'create-tp-plugin', `${folder} cannot be written: ${reason}`, { cause })
}
