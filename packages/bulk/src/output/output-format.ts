import type { Column } from './column.ts'

/** One shard of an output, as a file. */
export interface ShardFile {
  /** Where it is, for messages. */
  readonly path: string
  read(): Promise<Buffer>
  readonly rows: number
}

/** How an output is written: shards one by one, each a file of its own, and then all of them as one. */
export interface OutputFormat {
  /** @param columns the same ones in all shards @throws TpError TP_OUTPUT for columns that the format does not hold */
  encode(columns: readonly Column[]): Uint8Array | Promise<Uint8Array>
  /**
   * The shards as one file, in pieces.
   * @throws TpError TP_SHARD for a file with other than its rows
   */
  join(shards: readonly ShardFile[]): AsyncIterable<Uint8Array>
}
