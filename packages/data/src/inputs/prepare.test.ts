import { describe, expect, test } from 'vitest'
import { textDataset } from '../datasets/dataset.ts'
import { modalityOf } from './model-inputs.ts'
import { prepareInputs } from './prepare.ts'

const ids = { name: 'input_ids', type: 'int64', dims: ['b', 'n'] }
const pixels = { name: 'pixel_values', type: 'float32', dims: ['b', 3, 224, 224] }

describe('modalityOf', () => {
  test('judges by type and axes', () => {
    expect(modalityOf([ids, { ...ids, name: 'attention_mask' }])).toBe('text')
    expect(modalityOf([pixels])).toBe('image')
    expect(modalityOf([{ name: 'audio', type: 'float32', dims: ['b', 16_000] }])).toBe('audio')
    const [sound, mask] = [
      { name: 'input_values', type: 'float32', dims: ['b', 'n'] },
      { ...ids, name: 'attention_mask' },
    ]
    expect(modalityOf([sound, mask])).toBe('audio')
    expect(modalityOf([sound, ids])).toBeUndefined()
    expect(modalityOf([pixels, mask])).toBeUndefined()
    expect(modalityOf([{ name: 'spectrogram', type: 'float32', dims: ['b', 1024, 128] }])).toBeUndefined()
    expect(modalityOf([ids, pixels])).toBeUndefined()
    expect(modalityOf([])).toBeUndefined()
  })
})

describe('prepareInputs', () => {
  const texts = textDataset('texts', [{ text: 'a', label: 0 }])

  test('refuses data of another kind', async () => {
    await expect(prepareInputs(texts, [pixels])).rejects.toThrow('texts: holds text data, but the model takes image')
    await expect(prepareInputs(texts, [ids, pixels])).rejects.toThrow(
      'the model takes input_ids int64[b,n], pixel_values',
    )
  })

  test('requires a tokenizer for texts', async () => {
    await expect(prepareInputs(texts, [ids])).rejects.toMatchObject({ code: 'TP_TOKENIZER' })
  })
})
