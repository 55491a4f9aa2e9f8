import { constants } from 'node:fs'
import { access, mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isTpError, TpError } from '@tp/core'
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
  /** Makes sure that shards can be put there. @throws TpError TP_WRITE */
  prepare(): Promise<void>
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
  const keysIn = (all: readonly string[], end: string): Set<string> =>
    new Set(all.flatMap((name) => (NAME.exec(name)?.[2] === end ? [name.slice(0, 64)] : [])))
  return {
    async prepare() {
      try {
        // Not with the folders above it: Node never returns from that where a file system has no room for any (/proc).
        await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error
        })
        await access(folder, constants.W_OK)
      } catch (cause) {
        const advice = 'give another one (--shards), or write to another folder'
        throw new TpError(
          'TP_WRITE',
          'bulk',
          `${folder} cannot hold the shards (${(cause as Error).message}); ${advice}`,
          { cause },
        )
      }
    },
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
    commit: (key, bytes) => writeWhole(join(folder, key + extension), [bytes]),
    async fail(key, error) {
      const failure: ShardFailure = {
        code: isTpError(error) ? error.code : 'TP_INTERNAL',
        reason: reasonOf(error),
      }
      await writeWhole(failedPath(key), [Buffer.from(`${JSON.stringify(failure)}\n`)])
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

/** Without the word in front that says which package it comes from. */
function reasonOf(error: unknown): string {
  if (isTpError(error)) return error.message.replace(`[${error.where}] `, '')
  return error instanceof Error ? error.message : String(error)
}
