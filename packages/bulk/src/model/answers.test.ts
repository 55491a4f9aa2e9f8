import type { TensorLike } from '@tp/core/runtime'
import type { Pooling } from '@tp/data'
import type { ModelBatch } from '@tp/data/outputs'
import { expect, test } from 'vitest'
import { answersOf, formFinder, type Words } from './answers.ts'
import type { ComputeSpec } from './compute-spec.ts'

const floats = (dims: number[], data: number[]): TensorLike => ({
  type: 'float32',
  dims,
  data: Float32Array.from(data),
})
const mask = (dims: number[], data: number[]): TensorLike => ({
  type: 'int64',
  dims,
  data: BigInt64Array.from(data, BigInt),
})
const mean = { of: 'mean', isNormalized: false } as const

/** The written output of one batch. */
function columnsOf(batch: ModelBatch, task: ComputeSpec['task'], pooling: Pooling = mean, words?: Words) {
  const opened = { runtime: 'node', plan: null, guard: null } as const
  const spec: ComputeSpec = {
    ...opened,
    task,
    answerForm: null,
    labels: ['no', 'yes'],
    maxTokens: null,
    batchTokens: 9,
  }
  const answers = answersOf(spec, pooling, batch.rows, words)
  answers.take([...Array(batch.rows).keys()], batch)
  return answers.columns().map(({ values }) => [...values])
}

test('a class has the probability of its logit', () => {
  const outputs = { logits: floats([2, 3], [0, Math.log(8), 0, 5, -5, 5]) }
  const [labels, scores] = columnsOf({ feeds: {}, rows: 2, outputs }, 'classification')
  expect(labels).toEqual(['yes', 'no'])
  expect(scores).toEqual([expect.closeTo(0.8, 6), expect.closeTo(0.5, 4)])
})

test('one logit tells class 1 from class 0', () => {
  const outputs = { logits: floats([2, 1], [Math.log(3), -Math.log(3)]) }
  const [labels, scores] = columnsOf({ feeds: {}, rows: 2, outputs }, 'classification')
  expect([labels, scores]).toEqual([
    ['yes', 'no'],
    [expect.closeTo(0.75, 6), expect.closeTo(0.75, 6)],
  ])
})

test('a form is found by the numbers of all batches', () => {
  const formOf = (task: ComputeSpec['task'], ...batches: number[][]): string => {
    const finder = formFinder(task, batches.length)
    for (const [i, data] of batches.entries())
      finder.take([i], { feeds: {}, rows: 1, outputs: { logits: floats([1, 2], data) } })
    return finder.form()
  }
  expect(formOf('classification', [0.25, 0.75], [1, 0])).toBe('softmax')
  expect(formOf('classification', [0.25, 0.75], [1, 0.5])).toBe('logits')
  expect(formOf('multi-label', [0.25, 0.75], [1, 0.5])).toBe('sigmoid')
  expect(formOf('multi-label', [0.25, 0.75], [2, 0.5])).toBe('logits')
})

test('labels are those above one half, with the probabilities of all', () => {
  const outputs = { logits: floats([2, 2], [Math.log(3), Math.log(3), -1, -Math.log(3)]) }
  const [labels, scores] = columnsOf({ feeds: {}, rows: 2, outputs }, 'multi-label')
  expect(labels).toEqual([['no', 'yes'], []])
  expect(scores).toEqual([Float32Array.of(0.75, 0.75), Float32Array.of(1 / (1 + Math.E), 0.25)])
})

test('a score is the one logit', () => {
  const outputs = { score: floats([2, 1], [3, -1]), 'tp.kept': floats([2, 1], [9, 9]) }
  expect(columnsOf({ feeds: {}, rows: 2, outputs }, 'ranking')).toEqual([[3, -1]])
})

test('a tag is the class of the first token of each word, and null where it was cut off', () => {
  const feeds = { input_ids: mask([1, 4], [1, 2, 3, 4]) }
  const outputs = { logits: floats([1, 4, 2], [9, 0, 0, 1, 9, 0, 1, 0]) }
  const words: Words = { of: [Int32Array.of(-1, 0, -1, 1)], counts: [3] }
  expect(columnsOf({ feeds, rows: 1, outputs }, 'tokens', mean, words)).toEqual([[['yes', 'no', null]]])
})

test('a vector is pooled as the model says, and of length 1 where it is normalized', () => {
  const feeds = { attention_mask: mask([2, 3], [1, 1, 0, 1, 1, 1]) }
  const states = floats([2, 3, 2], [1, 2, 3, 4, 9, 9, 1, 0, 3, 0, 5, 6])
  const batch = { feeds, rows: 2, outputs: { last_hidden_state: states } }
  expect(columnsOf(batch, 'embeddings')).toEqual([[Float32Array.of(2, 3), Float32Array.of(3, 2)]])
  const last = { of: 'last token', isNormalized: true } as const
  const [[first] = []] = columnsOf(batch, 'embeddings', last)
  expect(first).toEqual(Float32Array.of(0.6, 0.8))
})

test('numbers that are none, and outputs that do not fit, are refused', () => {
  const refused = expect.objectContaining({ code: 'TP_OUTPUT' })
  const [nan, states] = [floats([1, 2], [1, Number.NaN]), floats([1, 2, 2], [1, 1, Number.NaN, 1])]
  const feeds = { input_ids: mask([1, 2], [1, 2]) }
  const words: Words = { of: [Int32Array.of(0, 1)], counts: [2] }
  expect(() => columnsOf({ feeds, rows: 1, outputs: { logits: nan } }, 'classification')).toThrow(refused)
  expect(() => columnsOf({ feeds, rows: 1, outputs: { states } }, 'classification')).toThrow(refused)
  expect(() => columnsOf({ feeds, rows: 1, outputs: { v: nan } }, 'embeddings')).toThrow(refused)
  expect(() => columnsOf({ feeds, rows: 1, outputs: { logits: states } }, 'tokens', mean, words)).toThrow(refused)
})
