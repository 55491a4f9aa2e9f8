import { createHash } from 'node:crypto'
import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import type { ShardFile } from '../output/output-format.ts'
import type { OutputName } from '../output/output-formats.ts'
import type { Shard } from './shard.ts'
import { SHARD_NAME } from './shard-name.ts'
import type { Store } from './store.ts'

/** Why a shard could not be computed. */
interface ShardFailure {
  readonly code: string
  readonly reason: string
}

/** The contents of a store. */
interface StoreState {
  /** Names of their files. */
  readonly done: ReadonlyMap<string, string>
  readonly failed: ReadonlySet<string>
  /** Names of files that are not shards of this output, hidden ones aside. */
  readonly others: readonly string[]
}

/**
 * The shards of one output, each in a file that is named by what the shard depends on, and by its bytes. A file that is there is whole, and
 * its bytes are those that any other process would write, so that several may work at one shard, and any of them may be killed.
 */
export interface ShardFiles {
  readonly store: Store
  state(): Promise<StoreState>
  has(key: string): Promise<boolean>
  /** @param file its name @returns the shard, whose bytes are compared with the name @throws TpError TP_SHARD while it is read */
  fileOf(shard: Shard, file: string): ShardFile
  /** Removes shards whose bytes are not those of their names any more. @returns their keys */
  removeChanged(shards: readonly Shard[]): Promise<ReadonlySet<string>>
  /** Puts a shard there, whole or not at all. @throws TpError TP_WRITE */
  commit(key: string, bytes: Uint8Array): Promise<void>
  /** Notes why a shard could not be computed. */
  fail(key: string, error: unknown): Promise<void>
  failure(key: string): Promise<ShardFailure>
  /** Forgets all failures. */
  forgive(): Promise<void>
  /** Removes all shards. */
  remove(): Promise<void>
}

const FAILED = '.failed.json'
export function shardFiles(store: Store, output: OutputName): ShardFiles {
  const extension = `.${output}`
  const filesIn = (names: readonly string[], end: string): Map<string, string> =>
    new Map(names.flatMap((name) => (SHARD_NAME.exec(name)?.[3] === end ? [[name.slice(0, 64), name]] : [])))
  const nameOf = (key: string, bytes: Uint8Array): string => `${key}-${hashOf(bytes)}${extension}`
  const state = async (): Promise<StoreState> => {
    const names = await store.list()
    const [done, failed] = [filesIn(names, extension), new Set(filesIn(names, FAILED).keys())]
    return { done, failed, others: names.filter((name) => !SHARD_NAME.test(name) && !name.startsWith('.')) }
  }
  return {
    store,
    state,
    has: async (key) => (await store.list(`${key}-`)).length > 0,
    fileOf({ key, spec }, file) {
      const path = `${store.name}/${file}`
      return {
        ...{ path, rows: spec.rows.rows },
        async read() {
          const bytes = await store.get(file)
          if (nameOf(key, bytes) === file) return bytes
          const advice = 'continue with --resume, which computes it again'
          throw new TpError('TP_SHARD', 'bulk', `${path} has changed since it was written; ${advice}`)
        },
      }
    },
    async removeChanged(shards) {
      const { done } = await state()
      const changed = new Set<string>()
      for (const { key } of shards) {
        const file = done.get(key)
        if (file === undefined || nameOf(key, await store.get(file)) === file) continue
        await store.remove(file)
        changed.add(key)
      }
      return changed
    },
    commit: (key, bytes) => store.put(nameOf(key, bytes), bytes),
    async fail(key, error) {
      const failure: ShardFailure = { code: isTpError(error) ? error.code : 'TP_INTERNAL', reason: reasonOf(error) }
      await store.put(key + FAILED, Buffer.from(`${JSON.stringify(failure)}\n`))
    },
    failure: async (key) => JSON.parse((await store.get(key + FAILED)).toString()) as ShardFailure,
    async forgive() {
      for (const file of filesIn(await store.list(), FAILED).values()) await store.remove(file)
    },
    async remove() {
      for (const name of await store.list()) if (SHARD_NAME.test(name)) await store.remove(name)
    },
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Without the word in front that says which package it comes from. */
function reasonOf(error: unknown): string {
  if (isTpError(error)) return bareMessage(error)
  return error instanceof Error ? error.message : String(error)
}
