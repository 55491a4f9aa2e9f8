import { expect, test } from 'vitest'
import { taskOf } from './task-of.ts'

const float = (name: string, ...dims: (number | string)[]) => ({ name, type: 'float32', dims })

test.each([
  ['classes of inputs', [float('logits', 'b', 2)], 'classification'],
  ['classes of tokens', [float('logits', 'b', 'n', 9)], 'tokens'],
  ['logits next to states', [float('logits', 'b', 2), float('last_hidden_state', 'b', 'n', 64)], 'classification'],
  ['states of tokens', [float('last_hidden_state', 'b', 'n', 64), float('pooler_output', 'b', 64)], 'embeddings'],
  ['a sentence', [float('token_embeddings', 'b', 'n', 64), float('sentence_embedding', 'b', 64)], 'embeddings'],
  ['one logit', [float('logits', 'b', 1)], 'ranking'],
  ['one logit under another name', [float('score', 'b', 1)], 'ranking'],
  ['a number for each input', [float('score', 'b')], 'ranking'],
  ['one row under another name', [float('output', 'b', 2)], 'classification'],
  ['as many rows of tokens as labels', [float('output', 'b', 'n', 3)], 'tokens'],
  ['more rows of tokens than labels', [float('output', 'b', 'n', 64)], 'embeddings'],
  ['outputs that pruning adds', [float('tp.mask', 'b', 'n'), float('scores', 'b', 'n', 3)], 'tokens'],
])('recognizes %s', (_, outputs, task) => {
  expect(taskOf(outputs, { labels: ['O', 'B-PER', 'I-PER'] })).toBe(task)
})

test('scores of words are vectors where the folder pools them as SPLADE does', () => {
  const pooling = { of: 'SPLADE maximum', isNormalized: false } as const
  expect(taskOf([float('logits', 'b', 'n', 30522)], { pooling })).toBe('embeddings')
})

test.each([
  ['several labels by config.json', { problem: 'labels' }, 6, 'multi-label'],
  ['several labels by their sigmoids', { answerForm: 'sigmoid' }, 6, 'multi-label'],
  ['classes of sigmoids that exclude each other', { answerForm: 'sigmoid', problem: 'classes' }, 6, 'classification'],
  [
    'classes of a softmax, whatever config.json says',
    { answerForm: 'softmax', problem: 'labels' },
    6,
    'classification',
  ],
  ['one sigmoid', { answerForm: 'sigmoid' }, 1, 'ranking'],
  ['a number that is estimated', { problem: 'numbers' }, 1, 'regression'],
] as const)('tells %s', (_, facts, width, task) => {
  expect(taskOf([float('logits', 'b', width)], facts)).toBe(task)
})
