import { isTpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import type { ShardFile } from '../output/output-format.ts'
import type { OutputName } from '../output/output-formats.ts'
import type { Shard } from './shard.ts'
import type { Store } from './store.ts'

/** Why a shard could not be computed. */
interface ShardFailure {
  readonly code: string
  readonly reason: string
}

/** The contents of a store. */
interface StoreState {
  readonly done: ReadonlySet<string>
  readonly failed: ReadonlySet<string>
  /** Names of files that are not shards of this output, hidden ones aside. */
  readonly others: readonly string[]
}

/**
 * The shards of one output, each in a file that is named by what the shard depends on. A file that is there is whole, and its
 * bytes are those that any other process would write, so that several may work at one shard, and any of them may be killed.
 */
export interface ShardFiles {
  readonly store: Store
  state(): Promise<StoreState>
  has(key: string): Promise<boolean>
  fileOf(shard: Shard): ShardFile
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
const NAME = /^([0-9a-f]{64})(\.[a-z.]+)$/

export function shardFiles(store: Store, output: OutputName): ShardFiles {
  const extension = `.${output}`
  const keysIn = (names: readonly string[], end: string): Set<string> =>
    new Set(names.flatMap((name) => (NAME.exec(name)?.[2] === end ? [name.slice(0, 64)] : [])))
  return {
    store,
    async state() {
      const names = await store.list()
      const [done, failed] = [keysIn(names, extension), keysIn(names, FAILED)]
      return { done, failed, others: names.filter((name) => !NAME.test(name) && !name.startsWith('.')) }
    },
    has: (key) => store.has(key + extension),
    fileOf({ key, spec }) {
      const file = key + extension
      return { path: `${store.name}/${file}`, rows: spec.rows.rows, read: () => store.get(file) }
    },
    commit: (key, bytes) => store.put(key + extension, bytes),
    async fail(key, error) {
      const failure: ShardFailure = { code: isTpError(error) ? error.code : 'TP_INTERNAL', reason: reasonOf(error) }
      await store.put(key + FAILED, Buffer.from(`${JSON.stringify(failure)}\n`))
    },
    failure: async (key) => JSON.parse((await store.get(key + FAILED)).toString()) as ShardFailure,
    async forgive() {
      for (const key of keysIn(await store.list(), FAILED)) await store.remove(key + FAILED)
    },
    async remove() {
      for (const name of await store.list()) if (NAME.test(name)) await store.remove(name)
    },
  }
}

/** Without the word in front that says which package it comes from. */
function reasonOf(error: unknown): string {
  if (isTpError(error)) return bareMessage(error)
  return error instanceof Error ? error.message : String(error)
}
