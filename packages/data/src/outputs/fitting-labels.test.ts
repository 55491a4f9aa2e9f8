import { expect, test } from 'vitest'
import { fittingLabels } from './fitting-labels.ts'

const model = (count: number | string, task = 'classification') => {
  return { path: 'model.onnx', task, outputs: [{ name: 'logits', type: 'float32', dims: ['batch', count] }] }
}

test.each([
  ['as many as logits', ['ham', 'spam'], 2],
  ['two for one logit', ['ham', 'spam'], 1],
  ['of an unknown number of logits', ['ham', 'spam'], 'classes'],
  ['that every exporter writes', ['LABEL_0', 'LABEL_1'], 30_522],
])('passes names %s', (_, labels, count) => {
  expect(fittingLabels(labels, model(count))).toBe(labels)
})

test.each([
  ['two classes of one name', ['a', 'a'], 2, 'names two classes "a"'],
  [
    'more than logits',
    Array.from({ length: 100_000 }, (_, i) => `c${i}`),
    2,
    'names 100,000 classes, and the model has 2',
  ],
  ['fewer than logits', ['ham', 'spam'], 3, 'names 2 classes, and the model has 3 logits'],
])('refuses %s', (_, labels, count, message) => {
  expect(() => fittingLabels(labels, model(count))).toThrow(
    expect.objectContaining({ code: 'TP_DATA', message: expect.stringContaining(message) }),
  )
})

test('leaves those of a task without classes alone', () => {
  expect(fittingLabels(['a', 'a'], model(384, 'embeddings'))).toEqual(['a', 'a'])
})
