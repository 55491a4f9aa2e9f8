import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, describe, expect, test } from 'vitest'
import type { Column } from './column.ts'
import { type OutputName, outputFormats, outputNameOf } from './output-formats.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-bulk-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function joined(name: OutputName, shards: readonly (readonly Column[])[]): Promise<Buffer> {
  const files = await Promise.all(
    shards.map(async (columns, i) => {
      const path = join(folder, `${i}.${name}`)
      writeFileSync(path, await outputFormats[name].encode(columns))
      return { path, rows: columns[0]?.values.length ?? 0, read: () => readFile(path) }
    }),
  )
  const pieces: Uint8Array[] = []
  for await (const piece of outputFormats[name].join(files)) pieces.push(piece)
  return Buffer.concat(pieces)
}

const labels = (ids: (string | number | null)[]): Column[] => [
  { name: 'id', kind: 'id', values: ids },
  { name: 'label', kind: 'text', values: ids.map((id) => `"${id}"\n`) },
  { name: 'score', kind: 'number', values: Float32Array.from(ids, (_, i) => i + 0.25) },
]
const vectors = (rows: number[][], from = 0): Column[] => [
  { name: 'row', kind: 'row', values: rows.map((_, i) => from + i) },
  { name: 'embedding', kind: 'vector', values: rows.map((row) => Float32Array.from(row)) },
]

async function readParquet(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  return await parquetReadObjects({ file })
}

describe('shards become one file', () => {
  test('writes JSON lines with numbers that give the same float32', async () => {
    const text = (await joined('jsonl', [labels([1, 'a']), labels([null])])).toString()
    expect(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { id: 1, label: '"1"\n', score: 0.25 },
      { id: 'a', label: '"a"\n', score: 1.25 },
      { id: null, label: '"null"\n', score: 0.25 },
    ])
    const value = Math.fround(1 / 3)
    const [row] = (await joined('jsonl', [vectors([[value]])])).toString().split('\n')
    expect(Math.fround(JSON.parse(row as string).embedding[0])).toBe(value)
  })

  test('writes Parquet with a row group for each shard', async () => {
    expect(await readParquet(await joined('parquet', [labels([1, 'a']), labels([null])]))).toEqual([
      { id: '1', label: '"1"\n', score: 0.25 },
      { id: 'a', label: '"a"\n', score: 1.25 },
      { id: null, label: '"null"\n', score: 0.25 },
    ])
    expect(await readParquet(await joined('parquet', [vectors([[1, 2]]), vectors([[3, 4]], 1)]))).toEqual([
      { row: 0n, embedding: [1, 2] },
      { row: 1n, embedding: [3, 4] },
    ])
    const tags: Column[] = [{ name: 'tags', kind: 'texts', values: [['O', null], []] }]
    expect(await readParquet(await joined('parquet', [tags]))).toEqual([{ tags: ['O', null] }, { tags: [] }])
  })

  test('writes NumPy, which holds vectors only', async () => {
    const bytes = await joined('npy', [
      vectors([[1, 2]]),
      vectors([
        [3, 4],
        [5, 6],
      ]),
    ])
    expect(bytes.toString('latin1', 10, 127).trimEnd()).toBe(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
    )
    expect(bytes.subarray(0, 10)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]))
    expect(bytes[127]).toBe(10)
    expect([...new Float32Array(Uint8Array.from(bytes.subarray(128)).buffer)]).toEqual([1, 2, 3, 4, 5, 6])
    expect(() => outputFormats.npy.encode(labels([1]))).toThrow(expect.objectContaining({ code: 'TP_OUTPUT' }))
  })
})

test.each(['jsonl', 'parquet', 'npy'] as const)('a %s shard that is cut short is refused', async (name) => {
  const path = join(folder, `cut.${name}`)
  const whole = await outputFormats[name].encode(
    vectors([
      [1, 2],
      [3, 4],
    ]),
  )
  writeFileSync(path, whole.subarray(0, whole.length - 6))
  const joining = async (): Promise<void> => {
    for await (const _ of outputFormats[name].join([{ path, rows: 2, read: () => readFile(path) }]));
  }
  await expect(joining()).rejects.toMatchObject({ code: 'TP_SHARD' })
})

test('the name of an output says its format', () => {
  expect(['a.jsonl', 'a.b.PARQUET', 'x/a.npy'].map(outputNameOf)).toEqual(['jsonl', 'parquet', 'npy'])
  expect(() => outputNameOf('a.csv')).toThrow(expect.objectContaining({ code: 'TP_OUTPUT' }))
})
