import { mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isTpError } from '@tp/core'
import type { OutputName } from '../output/output-formats.ts'
import { isWaiting, writeWhole } from './whole-file.ts'

/** Why a shard could not be computed. */
interface ShardFailure {
  readonly code: string
  readonly reason: string
}

/** What a folder holds. */
interface FolderState {
  readonly done: ReadonlySet<string>
  readonly failed: ReadonlySet<string>
}

/**
 * The shards of one output: a folder with a file for each, named by what the shard depends on. A file there is whole, and its
 * bytes are those that any other process would write, so that several may work at one shard, and any of them may be killed.
 */
export interface ShardFolder {
  state(): Promise<FolderState>
  has(key: string): Promise<boolean>
  pathOf(key: string): string
  /** Puts a shard there, whole or not at all. @throws TpError TP_WRITE */
  commit(key: string, bytes: Uint8Array): Promise<void>
  /** Notes why a shard could not be computed. */
  fail(key: string, error: unknown): Promise<void>
  failure(key: string): Promise<ShardFailure>
  /** Forgets all failures. */
  forgive(): Promise<void>
  /** Removes all shards, and the folder if nothing else is in it. */
  remove(): Promise<void>
}

const FAILED = '.failed.json'
const NAME = /^([0-9a-f]{64})(\.[a-z.]+)$/

export function shardFolder(folder: string, output: OutputName): ShardFolder {
  const extension = `.${output}`
  const names = (): Promise<string[]> => readdir(folder).catch(() => [])
  const failedPath = (key: string): string => join(folder, `${key}${FAILED}`)
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(folder, { recursive: true })
    await writeWhole(path, [bytes])
  }
  const keysIn = (all: readonly string[], end: string): Set<string> =>
    new Set(all.flatMap((name) => (NAME.exec(name)?.[2] === end ? [name.slice(0, 64)] : [])))
  return {
    async state() {
      const all = await names()
      return { done: keysIn(all, extension), failed: keysIn(all, FAILED) }
    },
    has: (key) =>
      stat(join(folder, key + extension)).then(
        () => true,
        () => false,
      ),
    pathOf: (key) => join(folder, key + extension),
    commit: (key, bytes) => put(join(folder, key + extension), bytes),
    async fail(key, error) {
      const failure: ShardFailure = {
        code: isTpError(error) ? error.code : 'TP_INTERNAL',
        reason: error instanceof Error ? error.message : String(error),
      }
      await put(failedPath(key), Buffer.from(`${JSON.stringify(failure)}\n`))
    },
    failure: async (key) => JSON.parse(await readFile(failedPath(key), 'utf8')) as ShardFailure,
    async forgive() {
      for (const key of keysIn(await names(), FAILED)) await rm(failedPath(key), { force: true })
    },
    async remove() {
      for (const name of await names())
        if (NAME.test(name) || isWaiting(name)) await rm(join(folder, name), { force: true })
      // Something else is in it, which is not ours.
      await rmdir(folder).catch(() => undefined)
    },
  }
}
