import { parquetReadObjects, type SchemaElement } from 'hyparquet'
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer'
import type { Column } from './column.ts'
import type { OutputFormat, ShardFile } from './output-format.ts'
import { shardError } from './shard-error.ts'

/** A row group for each shard. An `id` is text, whatever it was: all shards need one type. */
export const parquet: OutputFormat = {
  encode(columns) {
    const writer = new ByteWriter()
    const file = new ParquetWriter({ writer, schema: schemaOf(columns) })
    writeGroup(
      file,
      columns.map(({ name, kind, values }) => ({ name, data: plainValues(kind, values) })),
    )
    file.finish()
    return writer.getBytes()
  },
  async *join(shards) {
    let file: ParquetWriter | undefined
    const writer = new ByteWriter()
    // The writer counts offsets in `offset`, and bytes that wait in `index`.
    const taken = (): Uint8Array => {
      const bytes = new Uint8Array(writer.buffer.slice(0, writer.index))
      writer.index = 0
      return bytes
    }
    for (const shard of shards) {
      const { schema, columns } = await readShard(shard)
      file ??= new ParquetWriter({ writer, schema })
      writeGroup(file, columns)
      yield taken()
    }
    file?.finish()
    yield taken()
  },
}

function writeGroup(file: ParquetWriter, columnData: ColumnSource[]): void {
  file.write({ columnData, rowGroupSize: columnData[0]?.data.length ?? 1 })
}

async function readShard(shard: ShardFile): Promise<{ schema: SchemaElement[]; columns: ColumnSource[] }> {
  const { path, rows } = shard
  const bytes = await shard.read()
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const { parquetMetadata } = await import('hyparquet')
  let metadata: ReturnType<typeof parquetMetadata>
  try {
    metadata = parquetMetadata(file)
  } catch (cause) {
    throw shardError(path, rows, 'is not whole', cause)
  }
  const read = await parquetReadObjects({
    file: { byteLength: file.byteLength, slice: (a, b) => file.slice(a, b) },
    metadata,
  })
  if (read.length !== rows) throw shardError(path, rows, `has ${read.length}`)
  const names = Object.keys(read[0] ?? {})
  return { schema: metadata.schema, columns: names.map((name) => ({ name, data: read.map((row) => row[name]) })) }
}

function plainValues(kind: Column['kind'], values: Column['values']): unknown[] {
  if (kind === 'row') return Array.from(values as readonly number[], BigInt)
  if (kind === 'id') return (values as readonly (string | number | null)[]).map((id) => (id === null ? null : `${id}`))
  return Array.from(values as ArrayLike<unknown>, (value) =>
    value instanceof Float32Array ? Array.from(value) : value,
  )
}

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap(({ name, kind }) => elementsOf(name, kind)),
  ]
}

function elementsOf(name: string, kind: Column['kind']): SchemaElement[] {
  if (kind === 'row') return [{ name, type: 'INT64', repetition_type: 'REQUIRED' }]
  if (kind === 'id') return [{ name, ...text, repetition_type: 'OPTIONAL' }]
  if (kind === 'text') return [{ name, ...text, repetition_type: 'REQUIRED' }]
  if (kind === 'number') return [{ name, type: 'FLOAT', repetition_type: 'REQUIRED' }]
  return [
    { name, repetition_type: 'REQUIRED', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    kind === 'vector'
      ? { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' }
      : { name: 'element', ...text, repetition_type: 'OPTIONAL' },
  ]
}
