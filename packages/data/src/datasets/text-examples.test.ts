import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { isTpError } from '@tp/core'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { readTextExamples, type TableOptions } from './text-examples.ts'

type Found = [label: number, text: string][]

const { folder } = testFolder()

interface ReadOptions extends TableOptions {
  readonly ending?: string
}

async function read(content: string | Uint8Array, { ending = 'tsv', ...options }: ReadOptions = {}): Promise<Found> {
  const path = join(folder, `data.${ending}`)
  await writeFile(path, content)
  const { examples } = await readTextExamples(path, options)
  return Promise.all(examples.map(async ({ label, read }): Promise<[number, string]> => [label, await read()]))
}

async function problem(content: string | Uint8Array, options: ReadOptions = {}): Promise<string> {
  const error = await read(content, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isTpError(error)) throw new Error(`no TpError but ${error}`)
  expect(error.code).toBe('TP_DATA')
  return error.message
}

const labels = ['negative', 'positive']

describe('readTextExamples', () => {
  test('reads with and without a header', async () => {
    const expected = [
      [1, 'good'],
      [0, 'bad film'],
    ]
    expect(await read('1\tgood\n0\tbad film\n')).toEqual(expected)
    expect(await read('label\tsentence\n1\tgood\n0\tbad film')).toEqual(expected)
    expect(await read('sentence\tlabel\ngood\t1\nbad film\t0\n')).toEqual(expected)
    expect(await read('id\tLabel\ttext\n8\t1\tgood\n9\t0\tbad film\n')).toEqual(expected)
  })

  test('takes names of the model as labels, in either column', async () => {
    expect(await read('positive\tgood\nNegative\tbad\n', { labels })).toEqual([
      [1, 'good'],
      [0, 'bad'],
    ])
    expect(await read('good\tpositive\nbad\tnegative\n', { labels })).toEqual([
      [1, 'good'],
      [0, 'bad'],
    ])
  })

  test('drops Windows line ends, a byte order mark and empty lines', async () => {
    expect(await read('\uFEFF1\tgood\r\n\r\n0\tbad\r\n')).toEqual([
      [1, 'good'],
      [0, 'bad'],
    ])
  })

  test('stops at the limit, before errors that come later', async () => {
    expect(await read('1\ta\n0\tb\nx\tc\n', { limit: 2 })).toHaveLength(2)
  })

  test('names the line and the label that it does not know', async () => {
    const message = await problem('label\tsentence\n1\tgood\n\n"\ttext\n', { labels })
    expect(message).toContain('data.tsv, line 4: unknown label """; the model knows negative, positive')
    expect(await problem('2\tgood\n', { labels })).toContain('line 1: unknown label "2"')
    expect(await problem('positive\tgood\n')).toContain('give them as labels')
  })

  test('names the line that has too few or too many columns', async () => {
    expect(await problem('1\tgood\n0 bad\n')).toContain('line 2 has 1 column, not 2 as the first line has')
    expect(await problem('1\tgood\tbetter\n')).toContain(
      'it has no header, and its first line is "1", "good", "better"',
    )
  })

  test('refuses a file without examples or texts', async () => {
    expect(await problem('')).toContain('holds no example')
    expect(await problem('label\tsentence\n')).toContain('holds no example')
    expect(await problem(Uint8Array.of(0x31, 0x09, 0xff, 0xfe))).toContain('line 1: is not UTF-8 text')
  })
})

const expected = [
  [1, 'good'],
  [0, 'bad film'],
]

describe('columns', () => {
  test.each([
    ['index\tsentence\tlabel\n0\tgood\t1\n1\tbad film\t0\n'],
    ['label\tid\tsentence\n1\t0\tgood\n0\t1\tbad film\n'],
    ['label\tcontent\n1\tgood\n0\tbad film\n'],
    ['label\tanything at all\n1\tgood\n0\tbad film\n'],
    ['text\ttopic\ngood\t1\nbad film\t0\n'],
    ['text\tlabel\tclass\ngood\t1\t0\nbad film\t0\t0\n'],
    ['1\t1\ngood\t1\nbad film\t0\n', [[1, '1'], ...expected]],
  ])(
    'finds columns by the header, or by which of two holds labels throughout: %j',
    async (content, found = expected) => {
      expect(await read(content)).toEqual(found)
    },
  )

  test.each([
    [
      'title\tbody\tlabel\na\tb\t1\n',
      'cannot tell which column holds the texts: its columns are "title", "body", "label"',
    ],
    [
      'label\ttitle\ttext\n1\ta\tb\n',
      'cannot tell which column holds the texts: its columns are "label", "title", "text"',
    ],
    ['label\tnumber\tremark\n1\ta\tb\n', 'cannot tell which column holds the texts'],
    [
      'id\tlabel\n7\t1\n',
      'cannot tell which column holds the texts: its columns are "id", "label"; call one of them "text"',
    ],
    ['label\tlabel\ttext\n1\t0\ta\n', 'cannot tell which column holds the labels'],
    ['id\tscore\ttext\n1\t0\ta\n', 'cannot tell which column holds the labels: its columns are "id", "score", "text"'],
    [
      '0\ta text\t1\n',
      'cannot tell which column holds the labels and texts: it has no header, and its first line is "0", "a text", "1"',
    ],
    ['0\t1\n1\t1\n', 'cannot tell which column holds the labels: it has no header'],
    ['0\tlabel\n1\ttext\n', 'its first line ("0", "label") could be a header or an example'],
    ['label,text\n1,good\n', 'has one column, "label,text"; labels and texts have tabs between them in .tsv'],
    ['1 good\n0 bad film\n', 'has one column, "1 good"; labels and texts have tabs between them in .tsv'],
    ['id\tscore\ttext\n1\t0\ta\n', 'to read no labels, give unlabeled (--unlabeled)'],
  ])('refuses ambiguous columns, with their contents: %j', async (content, message) => {
    expect(await problem(content)).toContain(message)
  })

  test('can be named or numbered where the table does not tell', async () => {
    const pairs = 'sentence1\tsentence2\tlabel\nx\tgood\t1\ny\tbad film\t0\n'
    expect(await read(pairs, { textColumn: 'Sentence2' })).toEqual(expected)
    expect(await read(pairs, { textColumn: '2' })).toEqual(expected)
    expect(await read('a\tb\ngood\t1\nbad film\t0\n', { textColumn: 'a', labelColumn: 'b' })).toEqual(expected)
    expect(await read('0\tgood\t1\n1\tbad film\t0\n', { textColumn: '2', labelColumn: '3' })).toEqual(expected)
    expect(await read('label\ttext\n1\tgood\n0\tbad film\n', { textColumn: '2' })).toEqual(expected)
    expect(await problem(pairs, { textColumn: 'sentence' })).toContain(
      'there is no column called "sentence"; its columns are "sentence1", "sentence2", "label"',
    )
    expect(await problem(pairs, { textColumn: '4' })).toContain('there is no column called "4"')
    expect(await problem(pairs, { textColumn: 'label', labelColumn: '3' })).toContain(
      'column "label" cannot be both text and label',
    )
  })

  test('have to be as many in every row, or the row is named', async () => {
    expect(await problem('label\ttext\n1\tgood\n0\tbad\tfilm\n')).toContain('line 3 has 3 columns, not 2 as the header')
  })

  test('shows columns in messages without control characters', async () => {
    expect(await problem('\u001b[2Jx\ty\tz\n')).toContain('first line is " [2Jx", "y", "z"')
  })
})

describe('texts without labels', () => {
  const unlabeled = [
    [-1, 'good'],
    [-1, 'bad film'],
  ]

  test.each([
    ['txt', 'good\nbad film\n'],
    ['tsv', 'text\ngood\nbad film\n'],
    ['csv', 'good\n"bad film"\n'],
    ['tsv', 'id\tsentence\n1\tgood\n0\tbad film\n'],
    ['csv', 'idx,review\n1,good\n0,bad film\n'],
    ['jsonl', '{"text":"good"}\n{"text":"bad film"}\n'],
  ])('reads texts without labels where no column can hold any: %s %j', async (ending, content) => {
    expect(await read(content, { ending, labels })).toEqual(unlabeled)
  })

  test('reads no labels from any table with unlabeled', async () => {
    const options = { unlabeled: true }
    expect(await read('label\ttext\n1\tgood\n0\tbad film\n', options)).toEqual(unlabeled)
    expect(await read('mood\ttext\tscore\nglad\tgood\t1\nsad\tbad film\t2\n', options)).toEqual(unlabeled)
    expect(await read('1 good\n0 bad film\n', options)).toEqual([
      [-1, '1 good'],
      [-1, '0 bad film'],
    ])
  })

  test('reads pairs without labels', async () => {
    const path = join(folder, 'pairs.tsv')
    await writeFile(path, 'id\tpremise\thypothesis\n1\towls\tfly\n')
    const { examples } = await readTextExamples(path)
    expect(examples.map(({ label, pair }) => [label, pair])).toEqual([[-1, 'fly']])
  })

  test('refuses a table with labels that it does not understand', async () => {
    expect(await problem('mood\ttext\nglad\tgood\n', { labels })).toContain('unknown label "glad"')
    expect(await problem('mood\ttext\nglad\tgood\n', { labels })).toContain('give unlabeled (--unlabeled)')
  })
})

describe('readTextExamples, in every format', () => {
  test.each([
    ['csv', 'label,text\n1,good\n0,bad film\n'],
    ['csv', 'label;text\r\n1;good\r\n0;bad film\r\n'],
    ['csv', '\uFEFF"label","text"\n"1","good"\n"0","bad film"'],
    ['CSV', 'id,text,label\n1,"good",1\n2,"bad film",0\n'],
    ['jsonl', '{"label":1,"text":"good"}\n{"text":"bad film","label":0,"more":{}}\n'],
    [
      'ndjson',
      '{"id":7,"sentence":"good","label":"1","label_text":"x"}\r\n\r\n{"id":8,"sentence":"bad film","label":0}',
    ],
    ['tsv', 'label\ttext\r1\tgood\r0\tbad film\r'],
    ['tsv', 'label\ttext\n1.0\tgood\n0.0\tbad film\n'],
    ['jsonl', '{"more":1,"label":1,"text":"good"}\n{"label":0,"other":2,"text":"bad film"}\n'],
    ['json', '[{"label":1,"text":"good"},{"label":0,"text":"bad film"}]'],
    ['json', '[\n  {"label": 1.0, "text": "good", "more": [1, {"a": "]"}]},\n  {"label": 0, "text": "bad film"}\n]\n'],
    ['jsonl', ' [{"label":1,"text":"good"},\n{"label":0,"text":"bad film"}]'],
    ['json', '{"label":1,"text":"good"}\n{"label":0,"text":"bad film"}\n'],
    ['txt', '1\tgood\n0\tbad film\n'],
  ])('reads %s: %j', async (ending, content) => {
    expect(await read(content, { ending })).toEqual(expected)
  })

  test.each([
    ['csv', 'label,text\n1,"good\n0,bad\n', /line \d+: cannot be read as a table \(Quote Not Closed/],
    ['csv', 'label,text\n1,good, but long\n', /line 2 has 3 columns, not 2 as the header has/],
    ['csv', '1;good, but\n0;bad, and\n', /could be separated by "," or ";", and it is ambiguous which/],
    ['jsonl', '{"label":1,"text":"good"}\n{"label":1\n', /line 2: is invalid JSON/],
    ['jsonl', '{"label":1,"text":"good"}\n[1,"bad"]\n', /line 2: is not a JSON object/],
    ['jsonl', '{"label":1,"text":"good"}\n{"label":1,"other":"bad"}\n', /line 2: has no text: "text" holds neither/],
    [
      'jsonl',
      '{"label":1,"text":"good"}\n{"label":1,"sentence":"bad"}\n',
      /cannot tell which column .*: its columns are "label", "text", "sentence"/,
    ],
    ['jsonl', '{"label":1,"text":{"a":"good"}}\n', /line 1: has no text/],
    [
      'jsonl',
      `${'{"label":1,"text":"good"}\n'.repeat(30_000)}${JSON.stringify(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`key${i}`, i])))}\n`,
      /has more than 20000000 cells; give a part of it/,
    ],
    ['jsonl', '{"label":null,"text":"good"}\n', /line 1: has no label/],
    ['jsonl', '{"label":-1,"text":"good"}\n', /line 1: .*"-1"/],
    [
      'jsonl',
      '{"__proto__":1,"constructor":"good"}\n',
      /cannot tell which column .*: its columns are "__proto__", "constructor"/,
    ],
    ['json', '[{"label":1,"text":"good"},\n{"label":1', /is invalid JSON: its list does not end; is it cut off/],
    ['json', '[{"label":1,"text":"good"},\n\n{"label":1,}]', /line 3: is invalid JSON/],
    ['json', '["good", "bad film"]', /line 1: is not a JSON object/],
    ['json', '[{"label":1,"text":"good"}] x', /line 1: is invalid JSON: something follows the list/],
    ['json', `[{"label":1,"text":"${'a'.repeat(10_000_000)}"}]`, /line 1: has a text of 10000000 characters/],
    ['json', `[{"label":1,"text":"${'\\"'.repeat(300_000)}`, /is invalid JSON: its list does not end; is it cut off/],
    ['json', '[{"label":1,"text":"good"},,{"label":1,"text":"good"}]', /line 1: is invalid JSON: nothing is before/],
    ['tsv', '1\tgood\n0\tbad\0film\n', /line 2: holds a NUL character/],
    ['tsv', `1\t${'good '.repeat(900_000)}\n`, /line 1: cannot be read as a table \(Max Record Size/],
    ['tsv', `1\t${'a'.repeat(1_000_001)}\n`, /line 1: has a text of 1000001 characters: more than one text/],
  ])('refuses %s that is not a table: %#', async (ending, content, message) => {
    expect(await problem(content, { ending })).toMatch(message)
  })

  test('reads tables that are compressed, and refuses those that are cut off', async () => {
    const zipped = gzipSync('label\ttext\n1\tgood\n0\tbad film\n')
    expect(await read(zipped, { ending: 'tsv.gz' })).toEqual(expected)
    expect(await read(gzipSync('label,text\n1,good\n0,bad film\n'), { ending: 'CSV.GZ' })).toEqual(expected)
    expect(await problem(zipped.subarray(0, 20), { ending: 'tsv.gz' })).toContain('cannot be unzipped; is it cut off?')
  })

  test('finds the separator of a CSV by its other lines where the first is ambiguous', async () => {
    expect(await read('1;good, but\n0;bad film\n', { ending: 'csv' })).toEqual([
      [1, 'good, but'],
      [0, 'bad film'],
    ])
  })

  test('reads UTF-16 where a byte-order mark says so, and refuses it otherwise', async () => {
    const text = 'label\ttext\n1\tgood\n0\tbad film\n'
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le')
    expect(await read(little)).toEqual(expected)
    expect(await read(Buffer.from(little).swap16())).toEqual(expected)
    expect(await problem(Buffer.from(text, 'utf16le'))).toContain('line 1: holds a NUL character; is it UTF-16')
    expect(await problem(little.subarray(0, little.length - 1))).toContain('begins as UTF-16 but goes on as something')
  })

  test('names the line that is not UTF-8', async () => {
    expect(await problem(Buffer.from('1\tgood\n0\tcaf\xe9\n1\tfine\n', 'latin1'))).toContain('line 2: is not UTF-8')
    expect(await problem(Buffer.from('1\tgood\n0\tcaf\xe9', 'latin1'))).toContain('line 2: is not UTF-8')
    expect(await read('1\tçà\u{1f600}\n')).toEqual([[1, 'çà\u{1f600}']])
  })

  test('refuses a folder or a device', async () => {
    await expect(readTextExamples(folder)).rejects.toMatchObject({ code: 'TP_DATA' })
    await expect(readTextExamples('/dev/zero')).rejects.toMatchObject({ code: 'TP_DATA' })
  })
})
