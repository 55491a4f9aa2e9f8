import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type LineOptions, lineRanges, MOST_BYTES_A_ROW, type RangeLimits, type RowRange } from './line-ranges.ts'
import { parseLines } from './line-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-bulk-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'lines')

async function rangesOf(content: string | Buffer, options: Partial<LineOptions>, limits: Partial<RangeLimits>) {
  writeFileSync(path, content)
  const ranges: RowRange[] = []
  const lines = { from: 0, quoted: false, skipped: 'empty', ...options } as const
  for await (const range of lineRanges(path, lines, { rows: 10, bytes: 1e9, ...limits })) ranges.push(range)
  return ranges
}

const bytesOf = ({ start, end }: RowRange): Buffer => readFileSync(path).subarray(start, end)
const rowsOf = (range: RowRange, format: 'csv' | 'text' | 'jsonl') => parseLines('t', format, bytesOf(range))

describe('ranges of rows', () => {
  test('hold all rows of a CSV table once and in order, whatever its cells hold', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r\n'), maxLength: 6 })
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 })
    const check = fc.asyncProperty(table, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (rows, most, closed) => {
      const lines = rows.map((cells) => cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(','))
      const ranges = await rangesOf(lines.join('\n') + (closed ? '\n' : ''), { quoted: true }, { rows: most })
      expect(ranges.flatMap((range) => rowsOf(range, 'csv'))).toEqual(rows)
      expect(ranges.map((range) => range.rows)).toEqual(ranges.map((range) => rowsOf(range, 'csv').length))
      expect(Math.max(...ranges.map((range) => range.rows))).toBeLessThanOrEqual(most)
      for (const range of ranges) expect(range.hash).toBe(createHash('sha256').update(bytesOf(range)).digest('hex'))
    })
    await fc.assert(check, { numRuns: 60 })
  })

  test('count every line of a text, and of JSON lines those with an object', async () => {
    const text = await rangesOf('a\n\n  \nb', { skipped: 'none' }, { rows: 3 })
    expect(text.map(({ rows }) => rows)).toEqual([3, 1])
    expect(text.flatMap((range) => rowsOf(range, 'text'))).toEqual(['a', '', '  ', 'b'].map((line) => ({ 0: line })))
    const json = await rangesOf('{"a":1}\n\n \t\r\n{"a":2}\r\n\n', { skipped: 'blank' }, { rows: 3 })
    expect(json.map(({ rows }) => rows)).toEqual([2])
    expect(json.flatMap((range) => rowsOf(range, 'jsonl'))).toEqual([{ a: 1 }, { a: 2 }])
  })

  test('count every line of a text whose lines only carriage returns end', async () => {
    const ranges = await rangesOf('a\r\rb', { skipped: 'none', lineEnd: '\r' }, { rows: 2 })
    expect(ranges.flatMap((range) => parseLines('t', 'text', bytesOf(range), { lineEnd: '\r' }))).toEqual(
      ['a', '', 'b'].map((line) => ({ 0: line })),
    )
  })

  test('end with the row that exceeds the bytes, so that a shard is never larger than the limit and one row', async () => {
    const ranges = await rangesOf('12345\n'.repeat(4), {}, { bytes: 7 })
    expect(ranges.map(({ start, end, rows }) => [start, end, rows])).toEqual([
      [0, 12, 2],
      [12, 24, 2],
    ])
  })

  test('a file without rows has no ranges', async () => {
    expect(await rangesOf('\n\r\n', {}, {})).toEqual([])
  })

  test('refuse a row that never ends', async () => {
    const endless = Buffer.alloc(MOST_BYTES_A_ROW + 2 ** 20 + 1, 'a')
    await expect(rangesOf(endless, {}, {})).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('a row of more than 4 MiB at byte 0'),
    })
  })

  test('need no more memory for a larger file', async () => {
    const line = `${'a text of some length '.repeat(4)}\n`
    const most = async (megabytes: number): Promise<number> => {
      writeFileSync(path, line.repeat((megabytes * 2 ** 20) / line.length))
      let [ranges, peak] = [0, 0]
      for await (const _ of lineRanges(
        path,
        { from: 0, quoted: true, skipped: 'empty' },
        { rows: 1000, bytes: 2 ** 24 },
      )) {
        if (ranges++ % 10 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers)
      }
      return peak
    }
    const [small, large] = [await most(4), await most(32)]
    expect(large - small).toBeLessThan(8 * 2 ** 20)
  })
})
