import { TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { type ColumnNames, findColumns } from '../input/columns.ts'
import { dataError } from '../input/data-error.ts'
import { type InputFile, inputFiles } from '../input/input-files.ts'
import { type LineOptions, lineRanges, type RangeLimits, type RowRange } from '../input/line-ranges.ts'
import { parquetRanges } from '../input/parquet-input.ts'
import type { ComputeSpec } from '../model/compute-spec.ts'
import type { OutputName } from '../output/output-formats.ts'
import { keyOf, type Shard, type ShardSpec } from './shard.ts'

/** Bytes of rows after which a shard ends, however few they are: what a shard's memory depends on. */
const SHARD_BYTES = 16 * 2 ** 20

export interface PlanOptions extends ColumnNames {
  /** Rows of a shard. */
  readonly shardRows: number
  /** Rows of all shards, the first ones. Default: all. */
  readonly limit?: number | undefined
  /** Folder of the shards, which is not read as data. */
  readonly place?: string
  readonly signal?: AbortSignalLike | undefined
}

/** Everything that is to be computed. */
export interface ShardPlan {
  readonly shards: readonly Shard[]
  readonly rows: number
  /** Sentences on data that are not read. */
  readonly notes: readonly string[]
}

/**
 * Divides a file or folder into shards. All bytes are read once: shards are named by their contents.
 * @throws TpError TP_DATA, TP_ABORTED
 */
export async function planShards(
  data: string,
  model: string,
  compute: ComputeSpec,
  output: OutputName,
  { shardRows, limit = Number.POSITIVE_INFINITY, place, signal, ...columnOptions }: PlanOptions,
): Promise<ShardPlan> {
  const shards: Shard[] = []
  let firstRow = 0
  const { files, notes } = await inputFiles(data, place)
  for (const file of files) {
    if (firstRow >= limit) break
    const limits: RangeLimits = { rows: shardRows, bytes: SHARD_BYTES, inAll: limit - firstRow }
    const { columns, from } = await findColumns(file, { pairs: compute.task === 'ranking', ...columnOptions })
    for await (const { start, end, rows, hash } of rangesOf(file, { from, lineEnd: columns.lineEnd }, limits)) {
      throwIfAborted(signal, 'bulk')
      const spec: ShardSpec = {
        ...{ version: 3, model, compute, output, firstRow },
        rows: { format: file.format, columns, rows, hash },
      }
      shards.push({ key: keyOf(spec), spec, location: { path: file.path, start, end } })
      firstRow += rows
    }
  }
  if (shards.length === 0) throw dataError(data, 'holds no row')
  if (
    shards.some(({ spec }) => (spec.rows.columns.id === undefined) !== (shards[0]?.spec.rows.columns.id === undefined))
  )
    throw new TpError(
      'TP_DATA',
      'bulk',
      `${data}: some of its files have a column that identifies rows, and others do not; name one that all have (idColumn)`,
    )
  return { shards, rows: firstRow, notes }
}

/** The same shards, computed in another way. */
export function withCompute({ shards, ...plan }: ShardPlan, compute: ComputeSpec): ShardPlan {
  const changed = shards.map(({ spec, location }) => {
    const own = { ...spec, compute }
    return { key: keyOf(own), spec: own, location }
  })
  return { ...plan, shards: changed }
}

function rangesOf(
  { path, format }: InputFile,
  lines: Pick<LineOptions, 'from' | 'lineEnd'>,
  limits: RangeLimits,
): AsyncIterable<RowRange> {
  if (format === 'parquet') return parquetRanges(path, limits)
  const skipped: LineOptions['skipped'] = format === 'text' ? 'none' : format === 'jsonl' ? 'blank' : 'empty'
  return lineRanges(path, { ...lines, quoted: format === 'csv', skipped }, limits)
}
