import { describe, expect, test } from 'vitest'
import { openTokenizer } from './tokenizer.ts'

// Which of these Hugging Face's library (tokenizers 0.23.3, Python) refuses, and ids and segments that it gives for the others.

type Json = Readonly<Record<string, unknown>>

const words = '[PAD] [UNK] [CLS] [SEP] good movie bad film the a b c d e ##s ##ing ##ie mov'.split(' ')
const vocab = Object.fromEntries(words.map((word, id) => [word, id]))
const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
const specials = words.slice(0, 4).map((content, id) => ({ id, content, ...special }))
const piece = (id: string, type_id = 0): Json => ({ SpecialToken: { id, type_id } })
const text = (id: string, type_id = 0): Json => ({ Sequence: { id, type_id } })
const cls = { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }
const sep = (...ids: number[]): Json => ({ id: '[SEP]', ids, tokens: ids.map(() => '[SEP]') })
const template = {
  type: 'TemplateProcessing',
  single: [piece('[CLS]'), text('A'), piece('[SEP]')],
  pair: [piece('[CLS]'), text('A'), piece('[SEP]'), text('B', 1), piece('[SEP]', 1)],
  special_tokens: { '[CLS]': cls, '[SEP]': sep(3) },
}
const templateWith = (parts: Json): Json => ({ post_processor: { ...template, ...parts } })
const wordPiece = {
  type: 'WordPiece',
  unk_token: '[UNK]',
  continuing_subword_prefix: '##',
  max_input_chars_per_word: 100,
  vocab,
}
const letters = Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((letter, i) => [letter, 4 + i]))
const bpe = {
  type: 'BPE',
  unk_token: '[UNK]',
  vocab: { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3, ...letters, go: 30, od: 31, good: 32 },
  merges: [
    ['g', 'o'],
    ['o', 'd'],
    ['go', 'od'],
  ],
}
const unigram = { type: 'Unigram', unk_id: 1, vocab: [...words.map((word, i) => [word, -i])] }
const truncation = { direction: 'Right', max_length: 16, strategy: 'LongestFirst', stride: 0 }
const padding = {
  ...{ strategy: 'BatchLongest', direction: 'Right', pad_to_multiple_of: null },
  ...{ pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
}
const roberta = { type: 'RobertaProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] }
const bert = { ...roberta, type: 'BertProcessing' }

function open(changes: Json) {
  const json = {
    version: '1.0',
    ...{ truncation: null, padding: null, added_tokens: specials, normalizer: null },
    ...{ pre_tokenizer: { type: 'Whitespace' }, post_processor: template, decoder: null, model: wordPiece },
    ...changes,
  }
  return openTokenizer(JSON.stringify(json), 'tokenizer.json')
}

describe('a tokenizer that Hugging Face refuses is refused', () => {
  const model = (parts: Json): Json => ({ model: { ...wordPiece, ...parts } })
  const merges = (...own: unknown[]): Json => ({ model: { ...bpe, merges: own } })
  const charsMap = (bytes: string): Json => ({ normalizer: { type: 'Precompiled', precompiled_charsmap: btoa(bytes) } })
  test.each<[string, Json, string]>([
    ['an empty vocabulary', model({ vocab: {} }), 'an empty vocabulary'],
    ['an empty vocabulary of pieces', { model: { ...unigram, vocab: [], unk_id: null } }, 'an empty vocabulary'],
    ['a vocabulary of another model', model({ vocab: [] }), 'WordPiece model has to be a record'],
    ['a score that is text', { model: { ...unigram, vocab: [['a', 'NaN']] } }, 'it has to be a token and its score'],
    ['an unknown token beyond the vocabulary', { model: { ...unigram, unk_id: 18 } }, 'its unk_id is 18'],
    ['no prefix', model({ continuing_subword_prefix: undefined }), 'its model.continuing_subword_prefix is missing'],
    ['words of less than no letters', model({ max_input_chars_per_word: -1 }), 'max_input_chars_per_word is "-1"'],
    [
      'a whole word model without unknown token',
      { model: { type: 'WordLevel', vocab } },
      'its model.unk_token is missing',
    ],
    ['a merge of a token that is not there', merges(['zz', 'o']), 'but its vocabulary has no "zz"'],
    ['a merge to a token that is not there', merges(['a', 'b']), 'but its vocabulary has no "ab"'],
    ['a merge of three', merges(['g', 'o', 'o']), 'each has to be two tokens'],
    ['a merge of one, as text', merges('go'), 'each has to be two tokens'],
    ['merges in two forms', merges(['g', 'o'], 'o d'), 'each has to be two tokens'],
    ['a dropout above 1', { model: { ...bpe, dropout: 2 } }, 'its model.dropout is "2"; it has to be 0 … 1'],
    ['a truncation below 0', { truncation: { ...truncation, max_length: -5 } }, 'truncation.max_length is "-5"'],
    ['a stride below 0', { truncation: { ...truncation, stride: -1 } }, 'truncation.stride is "-1"'],
    ['an unknown strategy', { truncation: { ...truncation, strategy: 'Some' } }, 'has to be LongestFirst or'],
    ['a truncation without length', { truncation: { ...truncation, max_length: undefined } }, 'max_length is missing'],
    ['a padding below 0', { padding: { ...padding, strategy: { Fixed: -1 } } }, 'its padding.strategy is'],
    ['a padding without token', { padding: { ...padding, pad_token: null } }, 'its padding.pad_token is "null"'],
    ['an added token without flags', { added_tokens: [{ id: 4, content: 'good' }] }, 'added_tokens[0].single_word'],
    ['characters without a table', charsMap('\0\0\0\0'), 'it has to be a table of characters'],
    ['characters beyond the table', charsMap('\xff\xff\xff\0abcd'), 'it has to be a table of characters'],
    [
      'characters that are not base 64',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Precompiled', precompiled_charsmap: '%' }] } },
      'its normalizer.normalizers[0].precompiled_charsmap is "%"',
    ],
    [
      'a replacement of nothing',
      { normalizer: { type: 'Replace', content: 'a' } },
      'its normalizer.pattern is missing',
    ],
    [
      'an unknown behavior of a split',
      { pre_tokenizer: { type: 'Split', pattern: { String: 'a' }, behavior: 'Cut', invert: false } },
      'pre_tokenizer.behavior is',
    ],
    [
      'a special token that is not defined',
      templateWith({ special_tokens: { '[CLS]': cls } }),
      'which is not part of a template',
    ],
    [
      'a special token with an id below 0',
      templateWith({ special_tokens: { '[CLS]': cls, '[SEP]': sep(-3) } }),
      'which is not part of a template',
    ],
    ['a third text', templateWith({ single: [text('C')] }), 'which is not part of a template'],
    ['a template without pairs', templateWith({ pair: undefined }), 'its post_processor.pair is missing'],
    [
      'a template of the result of another',
      { post_processor: { type: 'Sequence', processors: [template, template] } },
      'several templates',
    ],
    ['a separator without id', { post_processor: { ...bert, sep: '[SEP]' } }, 'its post_processor.sep is'],
    ['a decoder without its prefix', { decoder: { type: 'WordPiece' } }, 'its decoder.prefix is missing'],
    ['another version', { version: '2.0' }, 'its version is "2.0"; it has to be 1.0'],
    ['a part that there is not', { more: 1 }, 'has "more", which no tokenizer.json has'],
  ])('for %s', (_, changes, message) => {
    const error = expect.objectContaining({ code: 'TP_TOKENIZER', message: expect.stringContaining(message) })
    expect(() => open(changes)).toThrow(error)
  })

  test('refuses a template that is 100,000 texts long at once', () => {
    const single = Array.from({ length: 100_000 }, () => text('A'))
    expect(() => open(templateWith({ single }))).toThrow(expect.objectContaining({ code: 'TP_TOKENIZER' }))
  })
})

describe('a tokenizer that Hugging Face accepts gives the same ids', () => {
  const own = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false }
  test.each<[string, Json, ids: string, pair?: string, segments?: string]>([
    ['as it is', {}, '2 4 5 14 3'],
    ['with whole words and an unknown token', { model: { type: 'WordLevel', vocab, unk_token: '[UNK]' } }, '2 4 1 3'],
    ['with whole words and no type', { model: { vocab, unk_token: '[UNK]' } }, '2 4 1 3'],
    [
      'with merges',
      { model: bpe },
      '2 32 16 18 25 12 8 22 3',
      '2 32 16 18 25 12 8 3 5 4 7 4 3',
      '0 0 0 0 0 0 0 0 1 1 1 1 1',
    ],
    [
      'with a special token twice in its template',
      templateWith({ single: [...template.single, piece('[SEP]')] }),
      '2 4 5 14 3 3',
    ],
    [
      'with a special token of two ids',
      templateWith({ special_tokens: { '[CLS]': cls, '[SEP]': sep(3, 3) } }),
      '2 4 5 14 3 3',
      '2 4 5 3 3 6 9 3 3',
      '0 0 0 0 0 1 1 1 1',
    ],
    [
      'with a special token of no id',
      templateWith({ special_tokens: { '[CLS]': cls, '[SEP]': sep() } }),
      '2 4 5 14',
      '2 4 5 6 9',
      '0 0 0 1 1',
    ],
    [
      'with a special token that has another id in the vocabulary',
      templateWith({ special_tokens: { '[CLS]': cls, '[SEP]': sep(7) } }),
      '2 4 5 14 7',
      '2 4 5 7 6 9 7',
      '0 0 0 0 1 1 1',
    ],
    [
      'with the second text first',
      templateWith({ pair: [piece('[CLS]'), text('B'), piece('[SEP]'), text('A', 1)] }),
      '2 4 5 14 3',
      '2 6 9 3 4 5',
      '0 0 0 0 1 1',
    ],
    [
      'with the ends of BERT',
      { post_processor: { ...bert, sep: ['[NOPE]', 7] } },
      '2 4 5 14 7',
      '2 4 5 7 6 9 7',
      '0 0 0 0 1 1 1',
    ],
    [
      'with the ends of RoBERTa',
      { post_processor: { ...roberta, trim_offsets: true, add_prefix_space: true } },
      '2 4 5 14 3',
      '2 4 5 3 3 6 9 3',
      '0 0 0 0 0 0 0 0',
    ],
    ['without ends', { post_processor: null }, '4 5 14', '4 5 6 9', '0 0 1 1'],
    [
      'without parts that need not be there',
      { normalizer: undefined, post_processor: undefined, decoder: undefined, padding: undefined },
      '4 5 14',
      '4 5 6 9',
      '0 0 1 1',
    ],
    [
      'with an added token whose id leaves a gap',
      { added_tokens: [...specials, { id: 50, content: 'movies', ...own }] },
      '2 4 18 3',
    ],
    [
      'with an added token whose id the vocabulary contradicts',
      { added_tokens: [...specials, { id: 50, content: 'good', ...own }] },
      '2 4 5 14 3',
    ],
  ])('%s', (_, changes, ids, pair = '2 4 5 3 6 9 3', segments = '0 0 0 0 1 1 1') => {
    const tokenizer = open(changes)
    expect(tokenizer.encode('good movies', 512).join(' ')).toEqual(ids)
    const both = tokenizer.encodePair('good movie', 'bad a', 512)
    expect([both.ids.join(' '), both.segments.join(' ')]).toEqual([pair, segments])
  })

  test('also for words of other languages, and what a split removes', () => {
    const other = { größe: 18, 日本: 19 }
    const words = { type: 'WordLevel', unk_token: '[UNK]', vocab: { ...vocab, ...other } }
    expect(open({ model: words }).encode('good größe, 日本', 512)).toEqual([2, 4, 18, 1, 19, 3])
    const split = { type: 'Split', pattern: { String: '.' }, behavior: 'Removed', invert: false }
    expect(open({ model: words, pre_tokenizer: split }).encode('good.größe', 512)).toEqual([2, 4, 18, 3])
  })

  test('cuts a text before its special tokens, however many they are', () => {
    const tokenizer = open(templateWith({ special_tokens: { '[CLS]': cls, '[SEP]': sep(3, 3) } }))
    expect(tokenizer.encode('a b c d e', 6)).toEqual([2, 9, 10, 11, 3, 3])
    expect(tokenizer.encodePair('a b c d e', 'a', 8).ids).toEqual([2, 9, 10, 3, 3, 9, 3, 3])
  })
})
