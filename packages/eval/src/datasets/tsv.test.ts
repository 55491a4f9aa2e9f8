import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isTpError } from '@tp/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LabelledOptions, readTsv } from './tsv.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-tsv-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(content: string | Uint8Array, options: LabelledOptions = {}): Promise<[number, string][]> {
  const path = join(folder, 'data.tsv')
  await writeFile(path, content)
  const { examples } = await readTsv(path, options)
  return Promise.all(examples.map(async ({ label, read }): Promise<[number, string]> => [label, await read()]))
}

async function problem(content: string | Uint8Array, options: LabelledOptions = {}): Promise<string> {
  const error = await read(content, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isTpError(error)) throw new Error(`no TpError but ${error}`)
  expect(error.code).toBe('TP_DATA')
  return error.message
}

const labels = ['negative', 'positive']

describe('readTsv', () => {
  test('reads with and without a header', async () => {
    const expected = [
      [1, 'good'],
      [0, 'bad film'],
    ]
    expect(await read('1\tgood\n0\tbad film\n')).toEqual(expected)
    expect(await read('label\tsentence\n1\tgood\n0\tbad film')).toEqual(expected)
    expect(await read('sentence\tlabel\ngood\t1\nbad film\t0\n')).toEqual(expected)
    expect(await read('id\tLabel\ttext\n8\t1\tgood\n9\t0\tbad film\n')).toEqual([
      [1, '8'],
      [0, '9'],
    ])
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

  test('quotes are plain characters, a lone one too', async () => {
    const texts = ['"quoted"', 'a "lone one', '"', "it's", '""', 'back\\slash']
    expect(await read(texts.map((text) => `1\t${text}\n`).join(''))).toEqual(texts.map((text) => [1, text]))
  })

  test('Windows line ends, a byte order mark and empty lines are no part of the text', async () => {
    expect(await read('\uFEFF1\tgood\r\n\r\n0\tbad\r\n')).toEqual([
      [1, 'good'],
      [0, 'bad'],
    ])
  })

  test('keeps an empty text', async () => {
    expect(await read('1\t\n')).toEqual([[1, '']])
  })

  test('stops at the limit, before errors that come later', async () => {
    expect(await read('1\ta\n0\tb\nx\tc\n', { limit: 2 })).toHaveLength(2)
  })

  test('names line and label of what it does not know', async () => {
    const message = await problem('label\tsentence\n1\tgood\n\n"\ttext\n', { labels })
    expect(message).toContain('data.tsv, line 4: unknown label """; the model knows negative, positive')
    expect(await problem('2\tgood\n', { labels })).toContain('line 1: unknown label "2"')
    expect(await problem('positive\tgood\n')).toContain('give them as labels')
  })

  test('names the line that has too few or too many columns', async () => {
    expect(await problem('1\tgood\n0 bad\n')).toContain('line 2 has 1 columns, not 2 as label<TAB>sentence asks for')
    expect(await problem('1\tgood\tbetter\n')).toContain('line 1 has 3 columns')
  })

  test('says when nothing is there, or no text', async () => {
    expect(await problem('')).toContain('holds no label<TAB>sentence line')
    expect(await problem('label\tsentence\n')).toContain('holds no label<TAB>sentence line')
    expect(await problem(Uint8Array.of(0x31, 0x09, 0xff, 0xfe))).toContain('is not UTF-8 text')
  })
})
