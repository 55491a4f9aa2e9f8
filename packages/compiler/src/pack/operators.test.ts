import type { Attributes } from '@tp/core/expression'
import { expect, test } from 'vitest'
import { Refused } from '../program/refusal.ts'
import { packedNode } from './operators.ts'

function refusal(type: 'Pack' | 'Unpack' | 'PackedAttention', attributes: Attributes): unknown {
  try {
    return packedNode(type, ['x', 'places'], ['y'], attributes)
  } catch (error) {
    return error instanceof Refused ? error.refusal : error
  }
}

const attention = {
  scale: 0.125,
  queryAxes: [1, 2, 3],
  keyAxes: [0, 2, 1],
  valueAxes: [1, 2, 3],
  contextAxes: [1, 0, 2],
}

test('writes nodes whose attributes fit together', () => {
  expect(packedNode('Pack', ['x', 'places'], ['y'], { rows: 0, axis: 2, folded: 12 }).opType).toBe('Pack')
  expect(packedNode('Unpack', ['x', 'places', 'real'], ['y'], { rows: 1, axis: 1, folded: 1 }).domain).toBe('tp')
  expect(packedNode('PackedAttention', ['q', 'k', 'v', 'offsets'], ['c'], attention).name).toBe('c/PackedAttention')
})

test.each<[string, Attributes, RegExp]>([
  [
    'rows and tokens along one axis, folded',
    { rows: 0, axis: 0, folded: 2 },
    /folded 2 times; where they share an axis/,
  ],
  ['tokens before rows', { rows: 1, axis: 0, folded: 1 }, /along the same axis as rows, or along a later one/],
  ['rows before the first axis', { rows: -1, axis: 0, folded: 1 }, /axes are counted from 0/],
  ['half an axis', { rows: 0, axis: 0.5, folded: 1 }, /axes are counted from 0/],
  ['nothing folded', { rows: 0, axis: 1, folded: 0 }, /at least once/],
  ['no layout at all', {}, /axes are counted from 0/],
])('refuses to write Pack and Unpack with %s', (_, attributes, message) => {
  for (const type of ['Pack', 'Unpack'] as const) {
    expect(refusal(type, attributes)).toEqual({
      code: 'TP_PACK',
      message: expect.stringMatching(message),
      node: `y/${type} (${type})`,
    })
  }
})

test.each<[string, Attributes, RegExp]>([
  ['an axis twice', { queryAxes: [1, 1, 3] }, /queryAxes would be \[1,1,3\]/],
  ['two axes', { keyAxes: [1, 2] }, /keyAxes would be/],
  ['an axis far out of range', { valueAxes: [1, 2, 8] }, /valueAxes would be/],
  ['features of the context in the middle', { contextAxes: [0, 2, 1] }, /features have to be last/],
  ['a scale that single precision does not hold', { scale: 1e39 }, /scaled by 1e\+39/],
])('refuses to write PackedAttention with %s', (_, attributes, message) => {
  expect(refusal('PackedAttention', { ...attention, ...attributes })).toMatchObject({
    code: 'TP_PACK',
    message: expect.stringMatching(message),
  })
})
