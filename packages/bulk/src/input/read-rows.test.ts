import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTextExamples } from '@tp/data'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, describe, expect, test } from 'vitest'
import type { ComputeSpec } from '../model/compute-spec.ts'
import { parquet } from '../output/parquet.ts'
import { type PlanOptions, planShards } from '../shards/plan.ts'
import { readRows } from './read-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-bulk-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const opened = { runtime: 'node', plan: null, guard: null } as const
const compute: ComputeSpec = {
  ...opened,
  task: 'classification',
  answerForm: null,
  labels: null,
  maxTokens: null,
  batchTokens: 9,
}

async function rowsIn(path: string, options: Partial<PlanOptions> = {}, task: ComputeSpec['task'] = 'classification') {
  const { shards, rows } = await planShards(path, 'm', { ...compute, task }, 'jsonl', { shardRows: 2, ...options })
  const read = await Promise.all(shards.map(({ spec, location }) => readRows(spec.rows, location)))
  expect(read.flat()).toHaveLength(rows)
  return { shards, rows: read.flat() }
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('rows', () => {
  test.each([
    ['a.csv', 'id,text\n7,"one, ""two"""\n8,"three\nlines"\n\n9,four\n'],
    ['semicolons.csv', '\ufeffid;text\r\n7;"one, ""two"""\r\n8;"three\nlines"\r\n9;four'],
    [
      'a.jsonl',
      '{"id":"7","text":"one, \\"two\\""}\n{"text":"three\\nlines","id":"8"}\n\n{"id":"9","text":"four","x":[]}',
    ],
  ])('rows of %s have their texts and ids', async (name, content) => {
    const { rows } = await rowsIn(file(name, content))
    expect(rows).toEqual([
      { id: '7', text: 'one, "two"' },
      { id: '8', text: 'three\nlines' },
      { id: '9', text: 'four' },
    ])
  })

  test('rows of a tab-separated table keep their quotes', async () => {
    const { rows } = await rowsIn(file('a.tsv', 'label\tsentence\n0\t"so-called\n1\tgood\n'))
    expect(rows).toEqual([{ text: '"so-called' }, { text: 'good' }])
  })

  test('reads the lines of a text file as rows, the empty ones, too', async () => {
    const { rows } = await rowsIn(file('a.txt', 'one\ttab\n\nthree'))
    expect(rows).toEqual([{ text: 'one\ttab' }, { text: '' }, { text: 'three' }])
  })

  test.each(['txt', 'tsv', 'csv', 'jsonl'])(
    'reads the rows of a .%s as other commands do, whatever ends its lines',
    async (kind) => {
      const cells = [
        ['text', 'label'],
        ['one', '0'],
        ['two', '1'],
        ['three', '0'],
      ]
      const lineOf = ([text, label]: string[]): string =>
        kind === 'jsonl' ? JSON.stringify({ text, label }) : [text, label].join(kind === 'csv' ? ',' : '\t')
      const lines = (kind === 'jsonl' || kind === 'txt' ? cells.slice(1) : cells).map(lineOf)
      for (const end of ['\n', '\r\n', '\r']) {
        for (const last of ['', end]) {
          const path = file(`ends.${kind}`, lines.join(end) + last)
          const { rows } = await rowsIn(path, { shardRows: 1 })
          const words = rows.map(({ text }) => text.trim().split('\t')[0]).filter((text) => text !== '')
          expect([end, words]).toEqual([end, ['one', 'two', 'three']])
          const { examples } = await readTextExamples(path)
          expect(examples.map((example) => example.read())).toEqual(['one', 'two', 'three'])
        }
      }
    },
  )

  test('reads lists of words of a Parquet file as texts of these words', async () => {
    const values = [['New', 'York'], ['Rome']]
    const path = file('words.parquet', await parquet.encode([{ name: 'tokens', kind: 'texts', values }]))
    const { rows } = await rowsIn(path)
    expect(rows.map(({ text, words }) => ({ text, words }))).toEqual([
      { text: 'New York', words: ['New', 'York'] },
      { text: 'Rome', words: ['Rome'] },
    ])
  })

  test('reads rows of a Parquet file by row groups and parts of them', async () => {
    const texts = Array.from({ length: 11 }, (_, i) => `text ${i}`)
    const columnData = [
      { name: 'label', data: texts.map((_, i) => i), type: 'INT32' as const },
      { name: 'id', data: texts.map((_, i) => BigInt(i * 10)), type: 'INT64' as const },
      { name: 'text', data: texts, type: 'STRING' as const },
    ]
    const path = file('a.parquet', new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: [1, 1, 5, 4] })))
    const { rows, shards } = await rowsIn(path)
    expect(rows).toEqual(texts.map((text, i) => ({ text, id: i * 10 })))
    expect(shards.map(({ spec }) => spec.rows.rows)).toEqual([2, 2, 2, 1, 2, 2])
  })

  test('reads the first rows only, of several files and of groups of rows', async () => {
    const texts = ['one', 'two', 'three', 'four', 'five']
    const columnData = [{ name: 'text', data: texts, type: 'STRING' as const }]
    const whole = file('whole.parquet', new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: [3, 2] })))
    const lines = file('whole.csv', `text\n${texts.join('\n')}\n`)
    mkdirSync(join(folder, 'several'))
    file('several/a.csv', 'text\none\ntwo\nthree\n')
    file('several/b.csv', 'text\nfour\nfive\n')
    for (const path of [whole, lines, join(folder, 'several')]) {
      for (const limit of [1, 3, 4, 9]) {
        const { rows } = await rowsIn(path, { limit })
        expect(rows.map(({ text }) => text)).toEqual(texts.slice(0, limit))
      }
    }
  })

  test('rows of pairs have both texts', async () => {
    const path = file('pairs.jsonl', '{"query":"a","document":"b"}\n')
    expect((await rowsIn(path, {}, 'ranking')).rows).toEqual([{ text: 'a', pair: 'b' }])
    const named = file('named.csv', 'x,y\na,b\n')
    const columns = { textColumn: 'y', pairColumn: 'x', idColumn: '2' }
    expect((await rowsIn(named, columns)).rows).toEqual([{ text: 'b', pair: 'a', id: 'b' }])
  })

  test('given as words are known as such', async () => {
    const path = file('words.jsonl', '{"text":["New","York"]}\n')
    expect((await rowsIn(path)).rows).toEqual([{ text: 'New York', words: ['New', 'York'] }])
  })

  test('reads the files of a folder by name, and numbers their rows through', async () => {
    mkdirSync(join(folder, 'parts', 'b'), { recursive: true })
    for (const [name, text] of Object.entries({ 'b/2': 'c', '1': 'a\nb', '.hidden': 'x', 'b/10': 'd' }))
      writeFileSync(join(folder, 'parts', `${name}.txt`), `${text}\n`)
    const { rows, shards } = await rowsIn(join(folder, 'parts'))
    expect(rows.map(({ text }) => text)).toEqual(['a', 'b', 'd', 'c'])
    expect(shards.map(({ spec }) => spec.firstRow)).toEqual([0, 2, 3])
  })
})

describe('the files of a folder', () => {
  test('reads the files that links lead to, as in a snapshot of a download, and names what it skips', async () => {
    for (const name of ['hub/blobs', 'hub/snapshot', 'hub/more']) mkdirSync(join(folder, name), { recursive: true })
    for (const [name, text] of Object.entries({ 'blobs/0f': 'a', 'blobs/1f': 'b', 'more/c.txt': 'c' }))
      writeFileSync(join(folder, 'hub', name), `${text}\n`)
    symlinkSync('../blobs/0f', join(folder, 'hub/snapshot/1.txt'))
    symlinkSync('../blobs/1f', join(folder, 'hub/snapshot/0.txt'))
    symlinkSync('../more', join(folder, 'hub/snapshot/more'))
    symlinkSync('..', join(folder, 'hub/snapshot/more/up'))
    execFileSync('mkfifo', [join(folder, 'hub/more/pipe.txt')])
    const data = join(folder, 'hub/snapshot')
    const { rows } = await rowsIn(data)
    expect(rows.map(({ text }) => text)).toEqual(['b', 'a', 'c'])
    const { notes } = await planShards(data, 'm', compute, 'jsonl', { shardRows: 2 })
    expect(notes).toEqual([expect.stringContaining('more/pipe.txt is a pipe')])
    symlinkSync('nothing', join(data, 'lost.txt'))
    await expect(rowsIn(data)).rejects.toMatchObject({ code: 'TP_DATA', message: expect.stringContaining('lost.txt') })
  })

  test('passes by shards, of this run and of others', async () => {
    const data = join(folder, 'with-shards')
    mkdirSync(join(data, 'own'), { recursive: true })
    for (const name of ['a.jsonl', 'own/b.jsonl', `${'0'.repeat(64)}-${'f'.repeat(64)}.jsonl`])
      writeFileSync(join(data, name), '{"text":"a"}\n')
    expect((await rowsIn(data, { place: join(data, 'own') })).rows).toHaveLength(1)
  })
})

describe('shards', () => {
  test('names shards by contents: a copy elsewhere has the same names, and a changed row another one', async () => {
    const keys = async (name: string, content: string): Promise<string[]> =>
      (await rowsIn(file(name, content))).shards.map(({ key }) => key)
    const first = await keys('k1.txt', 'a\nb\nc\nd\n')
    expect(await keys('k2.txt', 'a\nb\nc\nd\n')).toEqual(first)
    const [same, other] = await keys('k3.txt', 'a\nb\nc\nD\n')
    expect(same).toBe(first[0])
    expect(other).not.toBe(first[1])
  })

  test('refuses to read shards from a file that has changed since they were planned', async () => {
    const path = file('changing.txt', 'a\nb\n')
    const { shards } = await rowsIn(path)
    writeFileSync(path, 'a\nB\n')
    const [{ spec, location } = expect.unreachable()] = shards
    await expect(readRows(spec.rows, location)).rejects.toMatchObject({ code: 'TP_DATA', message: /has changed/ })
    rmSync(path)
    await expect(readRows(spec.rows, location)).rejects.toMatchObject({ code: 'TP_DATA', message: /no such file/ })
  })
})

describe('data that cannot be read', () => {
  const long = 'a '.repeat(2.5 * 2 ** 20)
  test.each([
    ['nothing.jsonl', '\n', 'holds no row'],
    ['bad.jsonl', `${'{"text":"a"}\n'.repeat(200)}{"text"\n`, 'row 1 of these is invalid JSON'],
    ['gap.jsonl', '{"text":"a"}\n{"other":"b"}\n', 'row 2 from byte 0 on: has no text'],
    ['latin1.txt', Buffer.from('caf\xe9\n', 'latin1'), 'is not UTF-8 text; save the file as UTF-8'],
    ['utf16.txt', Buffer.from('\ufeffa\n', 'utf16le'), 'is UTF-16; save it as UTF-8'],
    ['open.csv', 'id,text\n1,"a\n2,b\n', 'cannot be read as a table'],
    ['unknown.csv', 'a,b,c\n1,x y,z z\n', 'cannot tell which column holds the texts'],
    ['a.docx', 'x', 'it has to end in .jsonl'],
    ['broken.parquet', 'PAR1 no PAR1', 'cannot be read as Parquet'],
    ['short.parquet', 'PAR1', 'cannot be read as Parquet'],
    ['nul.jsonl', '{"text":"a\0b"}\n', 'holds a NUL character'],
    ['huge.jsonl', `{"text":"${long}"}\n`, 'a row of more than 4 MiB'],
    ['lines.txt', long, 'a row of more than 4 MiB'],
    ['unclosed.csv', `text\n"${long}`, 'a row of more than 4 MiB'],
    ['book.txt', `${long.slice(0, 1_000_001)}\n`, 'at most 1,000,000 are read'],
    ['object.jsonl', '{"id":{"toString":1},"text":"a"}\n', 'an id that is a list or an object'],
    ['digits.jsonl', '{"id":123456789012345678901234567890,"text":"a"}\n', 'write such ids as text'],
    ['infinite.jsonl', '{"id":1e400,"text":"a"}\n', 'write such ids as text'],
  ])('%s', async (name, content, message) => {
    await expect(rowsIn(file(name, content))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining(message),
    })
  })

  test('refuses dates of a Parquet file as ids', async () => {
    const columnData = [
      { name: 'id', data: [new Date(0)], type: 'TIMESTAMP' as const },
      { name: 'text', data: ['a'] },
    ]
    const path = file('dates.parquet', new Uint8Array(parquetWriteBuffer({ columnData })))
    await expect(rowsIn(path)).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining(
        'has an id that is a date; it has to be a text or a number; name another column',
      ),
    })
  })

  test('says that a Parquet file has neither texts nor lists of them', async () => {
    const path = file(
      'objects.parquet',
      await parquet.encode([{ name: 'scores', kind: 'vector', values: [Float32Array.of(0.5, 1)] }]),
    )
    await expect(rowsIn(path)).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('holds neither texts nor lists of texts: its columns are "scores"'),
    })
  })

  test('refuses a pipe, a device and a folder of pipes without waiting for them', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe.jsonl')])
    symlinkSync('/dev/zero', join(folder, 'zero.jsonl'))
    mkdirSync(join(folder, 'pipes'))
    execFileSync('mkfifo', [join(folder, 'pipes', 'a.jsonl')])
    for (const name of ['pipe.jsonl', 'zero.jsonl', 'pipes'])
      await expect(rowsIn(join(folder, name))).rejects.toMatchObject({ code: 'TP_DATA' })
  })

  test('a column that is not there', async () => {
    const path = file('columns.csv', 'id,text\n1,a\n')
    for (const option of ['textColumn', 'idColumn'])
      await expect(rowsIn(path, { [option]: 'body' })).rejects.toThrow(/no column called "body"/)
  })

  test('a folder with several formats, or with ids in some files only', async () => {
    mkdirSync(join(folder, 'mixed'))
    writeFileSync(join(folder, 'mixed', 'a.jsonl'), '{"text":"a"}\n')
    writeFileSync(join(folder, 'mixed', 'b.jsonl'), '{"id":1,"text":"a"}\n')
    await expect(rowsIn(join(folder, 'mixed'))).rejects.toThrow(/some of its files have a column that identifies rows/)
    writeFileSync(join(folder, 'mixed', 'c.txt'), 'a\n')
    await expect(rowsIn(join(folder, 'mixed'))).rejects.toThrow(/several formats \(jsonl, text\)/)
  })
})
