import type { Dim } from '@tp/core/expression'
import { createNode } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { Refused } from '../program/refusal.ts'
import type { Flow } from './operator.ts'
import { reshapedDims } from './reshape-axes.ts'

describe('the axes of a reshape', () => {
  const node = createNode({ type: 'Reshape', name: 'r', inputs: ['x', 's'], outputs: ['y'] })
  const flow = { count: 'T', before: 12 } as Flow
  const named = { count: 'T', before: 'n' } as Flow

  test.each<[string, Flow, Dim[], Dim[], Dim[], Dim[]]>([
    ['heads', flow, [2, 12, 32], [2, 12, 4, 8], [2, 'T', 32], [2, 'T', 4, 8]],
    ['heads as many as tokens', flow, [2, 12, 96], [2, 12, 12, 8], [2, 'T', 96], [2, 'T', 12, 8]],
    ['hidden size as large as the token count', flow, [2, 12, 12], [24, 12], [2, 'T', 12], ['2*T', 12]],
    ['one row', flow, [1, 12, 8], [12, 8], [1, 'T', 8], ['T', 8]],
    ['batch and heads in one', flow, [2, 4, 12, 8], [8, 12, 8], [2, 4, 'T', 8], [8, 'T', 8]],
    ['two rows as one token', flow, [2, 24, 4], [2, 12, 8], [2, '2*T', 4], [2, 'T', 8]],
    ['each token as two rows', flow, [2, 12, 8], [2, 24, 4], [2, 'T', 8], [2, '2*T', 4]],
    ['names', named, ['b', 'n', 32], ['b*n', 32], ['b', 'T', 32], ['T*b', 32]],
    ['back from one axis', named, ['b*n', 32], ['b', 'n', 4, 8], ['T*b', 32], ['b', 'T', 4, 8]],
  ])('tells the axes apart: %s', (_, which, from, to, now, expected) => {
    expect(reshapedDims(which, node, from, to, now)).toEqual(expected)
  })

  test.each<[string, Dim[], Dim[], Dim[]]>([
    ['windows', [2, 12, 8], [2, 3, 4, 8], [2, 'T', 8]],
    ['rows that are shifted for relative positions', [2, 12, 7], [2, 7, 12], [2, 'T', 7]],
    ['a batch as large as the token count, split out of one axis', [144, 8], [12, 12, 8], ['12*T', 8]],
  ])('finds the axes ambiguous for %s', (_, from, to, now) => {
    expect(() => reshapedDims(flow, node, from, to, now)).toThrow(Refused)
  })
})
