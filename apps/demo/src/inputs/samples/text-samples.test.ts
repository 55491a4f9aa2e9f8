import { expect, test } from 'vitest'
import { textSamples } from './text-samples.ts'

const first = (...labels: string[]) => textSamples(labels)[0]?.title

test('offers texts that fit the labels of a model', () => {
  expect(first('NEGATIVE', 'POSITIVE')).toBe('A good review')
  expect(first('1 star', '2 stars')).toBe('A good review')
  expect(first('O', 'B-PER', 'I-PER')).toBe('Names')
  expect(first('ham', 'spam')).toBe('A long thread')
})

test('offers a neutral text where the labels say nothing', () => {
  expect(first('LABEL_0', 'LABEL_1')).toBe('About rivers')
  expect(textSamples(undefined)[0]?.title).toBe('About rivers')
})
