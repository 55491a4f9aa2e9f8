import { constants } from 'node:fs'
import { access, mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TpError } from '@tp/core'
import { isWaiting, removeAbandoned, replaceFile } from '@tp/data/files'
import type { Store } from './store.ts'

/** A folder of this machine, or one that several share. */
export function folderStore(folder: string): Store {
  // Not where shards are in it, or something that is not ours.
  const removeEmpty = (): Promise<void> => rmdir(folder).catch(() => undefined)
  return {
    name: folder,
    async prepare() {
      try {
        // Not with the folders above it: Node never returns from that where a file system has no room for any (/proc).
        await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error
        })
        await access(folder, constants.W_OK)
        await removeAbandoned(folder)
      } catch (cause) {
        const advice = 'give another one (--shards), or write to another folder'
        const seen = `${folder} cannot hold the shards (${(cause as Error).message})`
        throw new TpError('TP_WRITE', 'bulk', `${seen}; ${advice}`, { cause })
      }
      return { [Symbol.asyncDispose]: removeEmpty }
    },
    async list(beginning = '') {
      return (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(beginning))
    },
    get: (file) => readFile(join(folder, file)),
    put: (file, bytes) => replaceFile(join(folder, file), bytes),
    remove: (file) => rm(join(folder, file), { force: true }),
    async close() {
      for (const file of await readdir(folder).catch(() => [])) if (isWaiting(file)) await rm(join(folder, file))
      await removeEmpty()
    },
  }
}
