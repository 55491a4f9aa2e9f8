import { expect, test } from 'vitest'
import { taskOf } from './task-of.ts'

const float = (name: string, ...dims: (number | string)[]) => ({ name, type: 'float32', dims })

test.each([
  ['classes of inputs', [float('logits', 'b', 2)], 'classification'],
  ['classes of tokens', [float('logits', 'b', 'n', 9)], 'tokens'],
  ['logits next to states', [float('logits', 'b', 2), float('last_hidden_state', 'b', 'n', 64)], 'classification'],
  ['states of tokens', [float('last_hidden_state', 'b', 'n', 64), float('pooler_output', 'b', 64)], 'embeddings'],
  ['a sentence', [float('token_embeddings', 'b', 'n', 64), float('sentence_embedding', 'b', 64)], 'embeddings'],
  ['one row under another name', [float('output', 'b', 2)], 'classification'],
  ['rows of tokens, as many as there are labels', [float('output', 'b', 'n', 3)], 'tokens'],
  ['rows of tokens, more than there are labels', [float('output', 'b', 'n', 64)], 'embeddings'],
  ['what pruning adds', [float('tp.mask', 'b', 'n'), float('scores', 'b', 'n', 3)], 'tokens'],
])('%s', (_, outputs, task) => {
  expect(taskOf(outputs, ['O', 'B-PER', 'I-PER'])).toBe(task)
})
