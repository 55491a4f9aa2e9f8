import { readFileSync } from 'node:fs'
import type { ValueInfo } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { IGNORED } from './ignored.ts'
import { taggedInputs } from './tagged-inputs.ts'
import { openTokenizer } from './tokenizer.ts'

const ids = (name: string): ValueInfo => ({ name, type: 'int64', dims: ['b', 'n'] })
const inputs = [ids('input_ids'), ids('attention_mask')]
const tokenizer = openTokenizer(readFileSync(modelPath('mail', 'tokenizer'), 'utf8'), 'mail')

const words = ['Unsubscribing', 'costs', '$9.99', '\u200b', 'today']
const dataset = { source: 'test', sentences: [{ words, tags: [3, 0, 1, 0, 2], source: 'line 1' }] }

describe('taggedInputs', () => {
  test('judges the first piece of each word and nothing else', async () => {
    const { tags, lengths, feeds, targets } = await taggedInputs(dataset, inputs, tokenizer)
    const { input_ids: row } = await feeds([0])
    const pieces = Array.from(row?.data as BigInt64Array, (id) => tokenizer.nameOf(Number(id)))
    const own = tags[0] as Int32Array
    expect(own).toHaveLength(pieces.length)
    expect(lengths).toEqual([pieces.length])
    expect(targets).toEqual([-1])
    const judged = pieces.flatMap((piece, i) => (own[i] === IGNORED ? [] : [[piece, own[i]]]))
    expect(judged.map(([, tag]) => tag)).toEqual([3, 0, 1, 2])
    expect(judged.every(([piece]) => !`${piece}`.startsWith('##'))).toBe(true)
    expect([pieces[0], pieces.at(-1), own[0], own.at(-1)]).toEqual(['[CLS]', '[SEP]', IGNORED, IGNORED])
    // words of several pieces
    expect(pieces.length).toBeGreaterThan(2 + 4)
  })

  test('does not judge words that are cut off or have no piece, and says so', async () => {
    const whole = await taggedInputs(dataset, inputs, tokenizer)
    expect(whole.notes).toEqual(['1 words have no token of their own (the model takes 512 tokens) and are not judged'])
    const cut = await taggedInputs(dataset, inputs, tokenizer, { maxTokens: 5 })
    expect(cut.lengths).toEqual([5])
    expect(cut.notes[0]).toMatch(/^[34] words have no token of their own \(the model takes 5 tokens\)/)
  })
})

const special = (id: number, content: string) => ({
  ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
})
const template = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
const postProcessor = {
  type: 'TemplateProcessing',
  single: [template('<s>'), { Sequence: { id: 'A', type_id: 0 } }, template('</s>')],
  pair: [],
  special_tokens: {
    '<s>': { id: '<s>', ids: [5], tokens: ['<s>'] },
    '</s>': { id: '</s>', ids: [6], tokens: ['</s>'] },
  },
}

describe('a vocabulary that marks the starts of words', () => {
  test.each([
    [
      'byte-level BPE',
      {
        added_tokens: [special(5, '<s>'), special(6, '</s>')],
        pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
        model: {
          type: 'BPE',
          vocab: { Ġ: 0, h: 1, i: 2, hi: 3, Ġhi: 4, '<s>': 5, '</s>': 6, a: 7 },
          merges: ['h i', 'Ġ hi'],
        },
      },
    ],
    [
      'SentencePiece',
      {
        added_tokens: [special(5, '<s>'), special(6, '</s>')],
        pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: Object.entries({ '<unk>': 0, h: -9, i: -9, hi: -3, '▁hi': -2, '<s>': 0, '</s>': 0 }),
        },
      },
    ],
  ])('judges the words of a vocabulary of %s that marks their starts', (_, json) => {
    const own = openTokenizer(
      JSON.stringify({ version: '1.0', normalizer: null, decoder: null, post_processor: postProcessor, ...json }),
      'test',
    )
    expect(own.encodeWords(['hi', 'hihi'], 9)).toEqual({ ids: [5, 4, 4, 3, 6], words: [-1, 0, 1, 1, -1] })
  })
})
