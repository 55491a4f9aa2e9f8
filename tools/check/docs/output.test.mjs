import { expect, test } from 'vitest'
import { missingLine } from './output.mjs'

const printed = 'pruning …\npruned.onnx  9.4 MB, cls-attention, 1.3 s\nFLOPs  3.18× fewer\n'

test('ignores times, widths of columns, and lines in between', () => {
  expect(missingLine('pruned.onnx 9.4 MB, cls-attention, 0.2 s\nFLOPs  3.18× fewer', printed)).toBeUndefined()
})

test('takes a time that is too short to be told for a time', () => {
  const printed = 'each cut  adds 36 nodes, less time than can be told here at 1×128\n'
  expect(missingLine('each cut  adds 36 nodes, 0.086 ms at 1×128', printed)).toBeUndefined()
})

test('names the first line that is not printed', () => {
  expect(missingLine('pruned.onnx  9.4 MB, cls-attention, 0.2 s\nFLOPs  4× fewer', printed)).toBe('FLOPs  4× fewer')
})

test('wants lines in the order in which they are printed', () => {
  expect(missingLine('FLOPs  3.18× fewer\npruning …', printed)).toBe('pruning …')
})
