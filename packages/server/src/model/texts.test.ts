import type { ValueInfo } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { tokenRows } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { tokenize } from './texts.ts'

const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
const inputs: readonly ValueInfo[] = ['input_ids', 'attention_mask'].map((name) => {
  return { name, type: 'int64', dims: ['batch', 'sequence'] }
})
const form = tokenRows(inputs, tokenizer, { maxTokens: 40 })
const longest = mailData('test')
  .map(({ text }) => text)
  .sort((a, b) => b.length - a.length)
  .slice(0, 40)
const others = ['', ' ', '你好世界'.repeat(100), 'naïve '.repeat(200), `${'x'.repeat(300)} word`, '😀'.repeat(200)]

describe('texts of which only the start is looked at', () => {
  test('have the tokens of the whole text, cut as the tokenizer cuts it', async () => {
    const texts = [...longest, ...others]
    const rows = await tokenize(texts, tokenizer, form, { truncate: true })
    expect(rows.map(({ ids }) => Array.from(ids))).toEqual(texts.map((text) => tokenizer.encode(text, 40)))
  })

  test('have the tokens of the whole pair', async () => {
    // Of more than 64 characters for each of the 40 tokens no more is looked at.
    const allowed = longest.map((text, i) => text.slice(0, 2500 - 20 * i))
    const pairs = allowed
      .slice(0, 20)
      .flatMap((text, i) => [['a query', text] as const, [text, allowed[i + 20] ?? ''] as const])
    const rows = await tokenize(pairs, tokenizer, form, { truncate: true })
    expect(rows.map(({ ids }) => Array.from(ids))).toEqual(pairs.map((pair) => tokenizer.encodePair(...pair, 40).ids))
  })
})

test('a pair is too long from one token more than the model takes', async () => {
  const words = (count: number): string => 'free '.repeat(count)
  const ask = (count: number) => tokenize([[words(10), words(count)]], tokenizer, form, { truncate: false })
  expect((await ask(27))[0]?.ids).toHaveLength(40)
  await expect(ask(28)).rejects.toThrow(expect.objectContaining({ code: 'TP_TOO_LONG' }))
})

test('tokenizing ends with its signal', async () => {
  const tokens = tokenize(longest, tokenizer, form, { truncate: true, signal: AbortSignal.abort() })
  await expect(tokens).rejects.toThrow(expect.objectContaining({ code: 'TP_ABORTED' }))
})

test('texts of many requests are tokenized in as many turns of the loop, so that others are heard in between', async () => {
  let isDone = false
  let turns = 0
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(longest.map((text) => tokenize([text], tokenizer, form, { truncate: true })))
  isDone = true
  expect(turns).toBeGreaterThanOrEqual(longest.length - 1)
})

test('tokenizing ends when its tokens would be for nothing', async () => {
  const requireRoom = (): void => {
    throw new Error('all is full')
  }
  await expect(tokenize(longest, tokenizer, form, { truncate: true, requireRoom })).rejects.toThrow('all is full')
})
