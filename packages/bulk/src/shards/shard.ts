import { createHash } from 'node:crypto'
import { type RowsLocation, type RowsSpec, readRows } from '../input/read-rows.ts'
import type { ComputeSpec } from '../model/compute-spec.ts'
import type { BulkModel, ComputeOptions } from '../model/open-model.ts'
import type { Column } from '../output/column.ts'
import { type OutputName, outputFormats } from '../output/output-formats.ts'

/** All that the bytes of a shard depend on. */
export interface ShardSpec {
  /** Version of this package's own computations. */
  readonly version: 3
  /** Hash of the model's files. */
  readonly model: string
  readonly compute: ComputeSpec
  readonly rows: RowsSpec
  /** Number of its first row in the whole input, from 0. */
  readonly firstRow: number
  readonly output: OutputName
}

/** A shard, and where its rows are. */
export interface Shard {
  /** Name of its file: SHA-256 of the specification. */
  readonly key: string
  readonly spec: ShardSpec
  readonly location: RowsLocation
}

/** The name of a shard: shards of one name have the same bytes. */
export function keyOf(spec: ShardSpec): string {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  return createHash('sha256').update(JSON.stringify(spec, sorted)).digest('hex')
}

/**
 * The bytes of a shard's file. They depend on its specification only, so it does not matter who computes them, and how often.
 * @throws TpError TP_DATA for rows that cannot be read or have changed; those of `BulkModel.compute`
 */
export async function computeShard(
  { spec, location }: Pick<Shard, 'spec' | 'location'>,
  model: BulkModel,
  options: ComputeOptions = {},
): Promise<Uint8Array> {
  const rows = await readRows(spec.rows, location)
  const answers = await model.compute(rows, location.path, spec.compute, {
    ...options,
    firstRow: spec.firstRow,
  })
  const first: Column =
    spec.rows.columns.id === undefined
      ? { name: 'row', kind: 'row', values: rows.map((_, i) => spec.firstRow + i) }
      : { name: 'id', kind: 'id', values: rows.map(({ id = null }) => id) }
  return await outputFormats[spec.output].encode([first, ...answers])
}
