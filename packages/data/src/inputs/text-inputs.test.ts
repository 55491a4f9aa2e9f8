import type { ValueInfo } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { textDataset } from '../datasets/dataset.ts'
import { loadTokenizer } from './load-tokenizer.ts'
import { textInputs } from './text-inputs.ts'

const input = (name: string, type = 'int64', dims: ValueInfo['dims'] = ['batch', 'length']): ValueInfo => ({
  name,
  type,
  dims,
})

describe('textInputs', async () => {
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const texts = textDataset('texts', [
    { text: 'free', label: 1 },
    { text: 'free free free', label: 0 },
  ])
  const [free] = tokenizer.encode('free', 512).slice(1, -1)
  if (free === undefined) throw new Error('no token for "free"')

  test('pads to the longest of a batch and masks the padding', async () => {
    const inputs = await textInputs(texts, [input('input_ids'), input('attention_mask')], tokenizer)
    expect([inputs.targets, inputs.lengths]).toEqual([
      [1, 0],
      [3, 5],
    ])
    const { input_ids: ids, attention_mask: mask } = await inputs.feeds([1, 0])
    const big = (...numbers: number[]): BigInt64Array => BigInt64Array.from(numbers, BigInt)
    expect(ids).toEqual({ type: 'int64', dims: [2, 5], data: big(2, free, free, free, 3, 2, free, 3, 0, 0) })
    expect(mask).toEqual({ type: 'int64', dims: [2, 5], data: big(1, 1, 1, 1, 1, 1, 1, 1, 0, 0) })
    expect((await inputs.feeds([0])).input_ids?.dims).toEqual([1, 3])
  })

  test('fills token types, int32 inputs and a fixed length', async () => {
    const fixed = [1, 4] as const
    const declared = ['input_ids', 'token_type_ids', 'attention_mask'].map((name) => input(name, 'int32', fixed))
    const { feeds, lengths } = await textInputs(texts, declared, tokenizer)
    expect(lengths).toEqual([3, 4])
    expect(await feeds([0])).toEqual({
      input_ids: { type: 'int32', dims: [1, 4], data: Int32Array.of(2, free, 3, 0) },
      attention_mask: { type: 'int32', dims: [1, 4], data: Int32Array.of(1, 1, 1, 0) },
      token_type_ids: { type: 'int32', dims: [1, 4], data: new Int32Array(4) },
    })
    expect((await feeds([1])).input_ids?.data).toEqual(Int32Array.of(2, free, free, 3))
  })

  test('truncates to maxTokens', async () => {
    const inputs = await textInputs(texts, [input('input_ids')], tokenizer, { maxTokens: 4 })
    expect(inputs.lengths).toEqual([3, 4])
    await expect(textInputs(texts, [input('input_ids')], tokenizer, { maxTokens: 2 })).rejects.toMatchObject({
      code: 'TP_OPTION',
    })
  })

  test('does not pad without a mask input', async () => {
    const { feeds } = await textInputs(texts, [input('input_ids')], tokenizer)
    expect((await feeds([1])).input_ids?.dims).toEqual([1, 5])
    await expect(feeds([0, 1])).rejects.toThrow('use batch size 1')
  })

  test('detects a tokenizer of another model and shows the numbers', async () => {
    await expect(textInputs(texts, [input('input_ids')], tokenizer, { vocabularySize: 100 })).rejects.toMatchObject({
      code: 'TP_TOKENIZER',
      message: expect.stringMatching(
        /text 0 has token \d+, but the model embeds only 100 tokens: .*, with 8192 tokens/,
      ),
    })
  })

  test('names an input that it cannot fill', async () => {
    await expect(textInputs(texts, [input('input_ids'), input('bbox')], tokenizer)).rejects.toThrow('an input "bbox"')
    await expect(textInputs(texts, [input('attention_mask')], tokenizer)).rejects.toThrow('no input_ids')
  })

  test('stops at the signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(textInputs(texts, [input('input_ids')], tokenizer, { signal })).rejects.toMatchObject({
      code: 'TP_ABORTED',
    })
  })
})
