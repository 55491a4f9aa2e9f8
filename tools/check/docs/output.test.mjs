import { expect, test } from 'vitest'
import { missingLine } from './output.mjs'

const printed = 'pruning …\npruned.onnx  9.4 MB, cls-attention, 1.3 s\nFLOPs  3.18× fewer\n'

test('ignores times, widths of columns, and lines in between', () => {
  expect(missingLine('pruned.onnx 9.4 MB, cls-attention, 0.2 s\nFLOPs  3.18× fewer', printed)).toBeUndefined()
})

test('ignores the time of a cut, which is printed only where it is known', () => {
  const [noted, untold] = [
    'each cut  adds 36 nodes, 0.0861 ms (0.0792 … 0.0948) at 1×128 on one thread',
    'each cut  adds 36 nodes',
  ]
  expect(missingLine(untold, `${noted}\n`)).toBeUndefined()
  expect(missingLine(noted, `${untold}\n`)).toBeUndefined()
  expect(missingLine(untold, 'each cut  adds 37 nodes\n')).toBe(untold)
})

test('names the first line that is not printed', () => {
  expect(missingLine('pruned.onnx  9.4 MB, cls-attention, 0.2 s\nFLOPs  4× fewer', printed)).toBe('FLOPs  4× fewer')
})

test('wants lines in the order in which they are printed', () => {
  expect(missingLine('FLOPs  3.18× fewer\npruning …', printed)).toBe('pruning …')
})
