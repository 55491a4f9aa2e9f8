import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { IGNORED } from '../inputs/ignored.ts'
import { UNLABELED } from './dataset.ts'
import type { LabeledOptions } from './labels.ts'
import { hasTagColumn, readSentences, readTaggedTsv } from './tagged-tsv.ts'
import { readTexts } from './texts.ts'

const { folder } = testFolder()

async function written(content: string): Promise<string> {
  const path = join(folder, 'data.tsv')
  await writeFile(path, content)
  return path
}

const labels = ['O', 'B-PER', 'I-PER']

describe('readTaggedTsv', () => {
  const read = async (content: string, options: LabeledOptions = { labels }) =>
    (await readTaggedTsv(await written(content), options)).sentences.map(({ words, tags, source }) => ({
      words: words.join(' '),
      tags,
      line: Number(source.split(' ').at(-1)),
    }))

  test('separates sentences at empty lines', async () => {
    expect(await read('Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\n\n\nYes\tO\n')).toEqual([
      { words: 'Ada Lovelace wrote', tags: [1, 2, 0], line: 1 },
      { words: 'Yes', tags: [0], line: 6 },
    ])
  })

  test("reads the first and the last of CoNLL's columns and skips document marks", async () => {
    const lines = '-DOCSTART-\t-X-\tO\tO\r\n\r\nAda\tNNP\tB-NP\tB-PER\r\n"\t"\tO\tO'
    expect(await read(lines)).toEqual([{ words: 'Ada "', tags: [1, 0], line: 3 }])
  })

  test('reads columns with spaces between them, as CoNLL has them, where the last are names of tags', async () => {
    const lines = '-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nwrote VBD  B-VP O \n\nYes UH O O\n'
    expect(await read(lines)).toEqual([
      { words: 'Ada wrote', tags: [1, 0], line: 3 },
      { words: 'Yes', tags: [0], line: 6 },
    ])
    expect(await hasTagColumn(await written(lines), labels)).toBe(true)
    expect(await hasTagColumn(await written('Ada wrote to O\nYes\n'), labels)).toBe(false)
    expect(await hasTagColumn(await written('Ada wrote\nto O\n'), labels)).toBe(false)
    await expect(read('Ada B-PER\nwrote B-XYZ\n')).rejects.toThrow('line 2: unknown label "B-XYZ"')
  })

  test('takes an ignored tag, and numbers where names are not known', async () => {
    expect(await read('Ada\t1\nx\t-100\n', {})).toEqual([{ words: 'Ada x', tags: [1, IGNORED], line: 1 }])
  })

  test('stops at the limit', async () => {
    expect(await read('a\tO\n\nb\tO\n\nc\tO\n', { labels, limit: 2 })).toHaveLength(2)
  })

  test.each([
    ['an unknown tag', 'Ada\tB-LOC\n', /line 1: unknown label "B-LOC"; the model knows O, B-PER, I-PER/],
    ['a word without tag', 'Ada\tO\nLovelace\n', /line 2: is not word<TAB>tag/],
    ['a column of word numbers', '1\tAda\tB-PER\n2\twrote\tO\n\n1\tYes\tO\n', /first column numbers the words/],
    ['nothing', '\n\n', /holds no word<TAB>tag line/],
  ])('refuses %s', async (_, content, message) => {
    await expect(read(content)).rejects.toMatchObject({ code: 'TP_DATA', message: expect.stringMatching(message) })
  })
})

describe('readTexts', () => {
  const read = async (content: string): Promise<string[]> => {
    const { examples } = await readTexts(await written(content))
    expect(examples.every(({ label }) => label === -1)).toBe(true)
    return Promise.all(examples.map(async ({ read }) => read()))
  }

  test.each([
    ['one per line', 'a text\nanother "one\n', ['a text', 'another "one']],
    ['next to labels', 'ham\tsee you\nspam\twin cash\n', ['see you', 'win cash']],
    ['next to labels, after a header', 'sentence\tlabel\nsee you\t0\n', ['see you']],
    ['next to an index and labels', 'idx\tsentence\tlabel\n0\tsee you\t0\n', ['see you']],
  ])('reads texts %s', async (_, content, texts) => {
    expect(await read(content)).toEqual(texts)
  })

  test.each([
    ['pairs', 'sentence1\tsentence2\nsee you\tsoon\n'],
    ['two columns of words', 'see you\twin cash\n'],
    ['columns without several words', 'ham\tyes\n'],
  ])('refuses %s, since the text column is ambiguous', async (_, content) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('cannot tell which column holds the texts'),
    })
  })

  test('refuses a table without texts', async () => {
    await expect(read('sentence\n')).rejects.toMatchObject({ code: 'TP_DATA' })
  })
})

test('reads texts without tags as sentences whose tags are not known', async () => {
  const path = await written('Ada Lovelace wrote it .\n\n  Two  words\n')
  expect(await hasTagColumn(path)).toBe(false)
  const { sentences } = await readSentences(path)
  expect(sentences.map(({ words }) => words)).toEqual([
    ['Ada', 'Lovelace', 'wrote', 'it', '.'],
    ['Two', 'words'],
  ])
  expect(sentences.flatMap(({ tags }) => tags)).toEqual(Array.from({ length: 7 }, () => UNLABELED))
  expect(await hasTagColumn(await written('-DOCSTART-\n\nAda\tB-PER\n'))).toBe(true)
})
