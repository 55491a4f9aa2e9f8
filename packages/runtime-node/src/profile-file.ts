import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { TpError } from '@tp/core'

/** The file of a profile. onnxruntime chooses the end of the name itself, so it writes into a folder next to it. */
export interface ProfileFile {
  /** Start of the path that onnxruntime writes to. */
  readonly prefix: string
  /** Moves the profile once `end` has closed it; later calls only return the path. */
  finish(end: () => unknown): Promise<string>
  discard(): Promise<void>
}

/** @throws TpError TP_NOT_WRITABLE if nothing can be written next to `path` */
export async function profileFile(where: string, path: string): Promise<ProfileFile> {
  const target = resolve(path)
  let folder: string
  try {
    folder = await mkdtemp(join(dirname(target), '.profile-'))
  } catch (cause) {
    throw new TpError('TP_NOT_WRITABLE', where, `the profile cannot be written to ${path}`, { cause })
  }
  let finished = false
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true })
  return {
    prefix: join(folder, 'ort'),
    async finish(end) {
      if (finished) return target
      finished = true
      await end()
      const [written] = await readdir(folder)
      if (written !== undefined) await rename(join(folder, written), target)
      await discard()
      return target
    },
    discard,
  }
}
