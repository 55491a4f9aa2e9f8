import { TpError } from '@tp/core'
import type { Column } from './column.ts'
import type { OutputFormat } from './output-format.ts'
import { shardError } from './shard-error.ts'

/** NumPy's format, version 1.0: float32 [rows, width]. */
export const npy: OutputFormat = {
  encode(columns) {
    const vectors = columns.find((column) => column.kind === 'vector')
    if (vectors === undefined) throw notVectors(columns)
    const width = vectors.values[0]?.length ?? 0
    const header = headerOf(vectors.values.length, width)
    const bytes = Buffer.alloc(header.length + 4 * width * vectors.values.length)
    bytes.set(header)
    for (const [row, vector] of vectors.values.entries()) {
      for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, header.length + 4 * (row * width + i))
    }
    return bytes
  },
  async *join(shards) {
    const total = shards.reduce((sum, { rows }) => sum + rows, 0)
    let width: number | undefined
    for (const { path, rows, read } of shards) {
      const bytes = await read()
      const found = widthIn(bytes)
      if (found === undefined || bytes.length !== HEADER + 4 * rows * found || (width ?? found) !== found)
        throw shardError(path, rows, `has ${bytes.length} bytes`)
      if (width === undefined) yield headerOf(total, found)
      width = found
      yield bytes.subarray(HEADER)
    }
  },
}

/** The length for every file, whatever its numbers: a multiple of 64, as the format requires. */
const HEADER = 128

function headerOf(rows: number, width: number): Buffer {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`
  const bytes = Buffer.alloc(HEADER, ' ')
  bytes.set([0x93, ...Buffer.from('NUMPY'), 1, 0])
  bytes.writeUInt16LE(HEADER - 10, 8)
  bytes.write(dict, 10, 'latin1')
  bytes.write('\n', HEADER - 1)
  return bytes
}

function widthIn(bytes: Buffer): number | undefined {
  const [, width] = /'shape': \(\d+, (\d+)\)/.exec(bytes.toString('latin1', 0, HEADER)) ?? []
  return width === undefined ? undefined : Number(width)
}

function notVectors(columns: readonly Column[]): TpError {
  const names = columns.map(({ name }) => name).join(', ')
  return new TpError('TP_OUTPUT', 'bulk', `.npy holds vectors, and the model gives ${names}; write .jsonl or .parquet`)
}
