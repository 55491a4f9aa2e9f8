import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer } from './load-tokenizer.ts'

describe('the tokenizer of the mail model', async () => {
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const [cls, sep] = [2, 3]

  test('has the vocabulary and the padding that its config.json says', () => {
    expect(tokenizer.vocabularySize).toBe(8192)
    expect(tokenizer.padId).toBe(0)
  })

  test('puts a text between the special tokens, lower case', () => {
    const ids = tokenizer.encode('Hello', 512)
    expect([ids[0], ids.at(-1)]).toEqual([cls, sep])
    expect(tokenizer.encode('hello', 512)).toEqual(ids)
    expect(tokenizer.encode('', 512)).toEqual([cls, sep])
  })

  test('cuts the text and not the special tokens', () => {
    const whole = tokenizer.encode('word '.repeat(20), 512)
    expect(whole).toHaveLength(22)
    expect(tokenizer.encode('word '.repeat(20), 22)).toEqual(whole)
    expect(tokenizer.encode('word '.repeat(20), 10)).toEqual([...whole.slice(0, 9), sep])
  })
})

describe('loadTokenizer', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tp-tokenizer-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('follows no truncation or padding length that training left in the file', async () => {
    const json = JSON.parse(await readFile(modelPath('mail', 'tokenizer'), 'utf8'))
    const path = join(folder, 'tokenizer.json')
    const truncation = { direction: 'Right', max_length: 4, strategy: 'LongestFirst', stride: 0 }
    const padding = { strategy: { Fixed: 64 }, direction: 'Right', pad_id: 5, pad_type_id: 0, pad_token: '[PAD]' }
    await writeFile(path, JSON.stringify({ ...json, truncation, padding }))
    const tokenizer = await loadTokenizer(path)
    expect(tokenizer.padId).toBe(5)
    expect(tokenizer.encode('word '.repeat(20), 512)).toHaveLength(22)
  })

  test.each([
    ['not JSON', '{', 'is not a Hugging Face tokenizer.json'],
    ['something else', '{"hidden_size":128}', 'is not a Hugging Face tokenizer.json'],
  ])('says when a file is %s', async (_, content, message) => {
    const path = join(folder, 'other.json')
    await writeFile(path, content)
    await expect(loadTokenizer(path)).rejects.toMatchObject({
      code: 'TP_TOKENIZER',
      message: expect.stringContaining(message),
    })
  })

  test('says when a file is missing', async () => {
    await expect(loadTokenizer(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'TP_TOKENIZER' })
  })
})
