import { expect, test } from 'vitest'
import { modelFacts } from './model-facts.ts'
import { tokenRows } from './token-rows.ts'
import type { TextTokenizer } from './tokenizer.ts'

test('ignores entries of a configuration that have other types than they should', () => {
  const wrong = { id2label: { 0: 'no', 1: {} }, max_position_embeddings: 'many' }
  expect(modelFacts(wrong, {})).toMatchObject({ labels: ['no', 'LABEL_1'], maxTokens: undefined })
  expect(modelFacts({ id2label: 5 }, {}).labels).toBeUndefined()
  expect(modelFacts({ id2label: null }, {}).labels).toBeUndefined()
})

test('a model whose own length no memory holds is refused', () => {
  const ids = { name: 'input_ids', type: 'int64', dims: ['batch', 2 ** 40] }
  expect(() => tokenRows([ids], {} as TextTokenizer, {})).toThrow(expect.objectContaining({ code: 'TP_INPUT' }))
})
