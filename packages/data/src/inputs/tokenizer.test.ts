import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expressionsOf } from './check-tokenizer.ts'
import { loadTokenizer } from './load-tokenizer.ts'

describe('the tokenizer of the mail model', async () => {
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const [cls, sep] = [2, 3]

  test('lowercases a text and puts it between the special tokens', () => {
    const ids = tokenizer.encode('Hello', 512)
    expect([ids[0], ids.at(-1)]).toEqual([cls, sep])
    expect(tokenizer.encode('hello', 512)).toEqual(ids)
    expect(tokenizer.encode('', 512)).toEqual([cls, sep])
  })

  test('truncates the text and keeps the special tokens', () => {
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

  test('ignores the truncation and padding length that training left in the file', async () => {
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
    ['not JSON', '{', 'is invalid JSON'],
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

  type Parts = Readonly<Record<string, unknown>>
  /** The tokenizer with other parts; those of its model are added to what is there, as are tokens to its vocabulary. */
  const changed = async ({ model, vocab, ...parts }: Parts): Promise<string> => {
    const json = JSON.parse(await readFile(modelPath('mail', 'tokenizer'), 'utf8'))
    Object.assign(json, parts)
    Object.assign(json.model.vocab, vocab)
    if (model !== undefined) json.model = model && { ...json.model, ...model }
    const path = join(folder, 'changed.json')
    await writeFile(path, JSON.stringify(json))
    return path
  }

  const lengthens = { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(16) }
  const longer = { type: 'Prepend', prepend: 'a '.repeat(5_000_000) }
  const template = { type: 'TemplateProcessing', single: {}, pair: [] }
  test.each<[string, Parts, string]>([
    ['a normalizer that puts ten million characters first', { normalizer: longer }, 'texts 10,000,000 times as long'],
    [
      'replacements that together lengthen texts beyond all use',
      { normalizer: { type: 'Sequence', normalizers: Array(4).fill(lengthens) } },
      'may make texts 65,536 times as long',
    ],
    ['an id that is a fraction', { vocab: { good: 1.5 } }, 'gives token "good" the id "1.5"'],
    ['an id below 0', { vocab: { good: -5 } }, 'gives token "good" the id "-5"'],
    ['an id beyond 32 bits', { vocab: { good: 2 ** 40 } }, 'gives token "good" the id "1099511627776"'],
    ['an id that is text', { vocab: { good: 'x' } }, 'gives token "good" the id "x"'],
    ['an added token without id', { added_tokens: [{ content: '[X]' }] }, 'gives token "[X]" the id "undefined"'],
    ['an unknown model', { model: { type: 'constructor' } }, 'its model has the type "constructor"'],
    ['an unknown token of no vocabulary', { model: { unk_token: 'nope' } }, 'its unk_token "nope"'],
    [
      'padding by no token',
      { padding: { pad_id: -7 } },
      'its pad_id is "-7"; it has to be the id of a token, 0 … 8191',
    ],
    ['an invalid template', { post_processor: template }, 'its post_processor.single is "{}"; it has to be a list'],
    ['no model', { model: null }, 'it has no model'],
  ])('refuses %s', async (_, change, message) => {
    await expect(loadTokenizer(await changed(change))).rejects.toMatchObject({
      code: 'TP_TOKENIZER',
      message: expect.stringContaining(message),
    })
  })

  test('stops an expression that backtracks endlessly, and names it', async () => {
    const split = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false }
    const parts = { pre_tokenizer: { type: 'Sequence', pretokenizers: [split] } }
    const tokenizer = await loadTokenizer(await changed(parts))
    expect(tokenizer.encode('good', 512)).toHaveLength(3)
    const text = `${'a'.repeat(60)}!`
    const message = expect.stringContaining('"(a+)+$"')
    expect(() => tokenizer.encode(text, 512)).toThrow(expect.objectContaining({ code: 'TP_TOKENIZER', message }))
    // An interrupted call does not hinder others.
    expect(tokenizer.encode('good', 512)).toHaveLength(3)
  })

  test('finds expressions at any depth', () => {
    let part: object = { Regex: 'x+' }
    for (let depth = 0; depth < 100_000; depth++) part = { part }
    expect(expressionsOf({ model: {}, pre_tokenizer: part } as Parameters<typeof expressionsOf>[0])).toEqual(['x+'])
  })

  test('refuses a device that never ends', async () => {
    await expect(loadTokenizer('/dev/zero')).rejects.toMatchObject({ code: 'TP_TOKENIZER' })
  })
})
