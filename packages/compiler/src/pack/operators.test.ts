import type { Attributes } from '@tp/core/expression'
import { expect, test } from 'vitest'
import { Refused } from '../program/refusal.ts'
import { packedNode } from './operators.ts'

const tokens = { x: 'x', positions: 'places' }
const operands = { query: 'q', key: 'k', value: 'v', offsets: 'offsets' }
const perm = [0, 1, 2]
const attention = { scale: 0.125, queryPerm: perm, keyPerm: perm, valuePerm: perm, contextPerm: [1, 0, 2], integers: 0 }

function refusal(write: () => unknown): unknown {
  try {
    return write()
  } catch (error) {
    return error instanceof Refused ? error.refusal : error
  }
}

test('writes nodes whose attributes fit together', () => {
  expect(packedNode('Pack', tokens, { y: 'y' }, { rows: 0, axis: 2, folded: 12 })).toMatchObject({
    opType: 'Pack',
    domain: 'tp',
    input: ['x', 'places'],
  })
  expect(packedNode('PackedAttention', operands, { context: 'c' }, attention).name).toBe('c/PackedAttention')
})

test('leaves out attributes that the operator does not have', () => {
  expect(packedNode('PackFlat', tokens, { y: 'y' }, { rows: 0, axis: 0, folded: 1 }).attribute).toEqual([])
})

test('writes no operator without its inputs, and none that there is not', () => {
  expect(() => packedNode('PackedAttention_keyBias', operands, { context: 'c' }, attention)).toThrow(/keyBias/)
  expect(() => packedNode('PackedAttention_mask', operands, { context: 'c' }, attention)).toThrow(/no packed operator/)
})

test.each<[string, Attributes, RegExp]>([
  ['tokens before rows', { rows: 1, axis: 0, folded: 1 }, /along a later axis/],
  ['rows before the first axis', { rows: -1, axis: 0, folded: 1 }, /counted from 0/],
  ['half an axis', { rows: 0, axis: 0.5, folded: 1 }, /counted from 0/],
  ['nothing folded', { rows: 0, axis: 1, folded: 0 }, /at least once/],
])('refuses to write Pack with %s', (_, attributes, message) => {
  expect(refusal(() => packedNode('Pack', tokens, { y: 'y' }, attributes))).toEqual({
    code: 'TP_PACK',
    message: expect.stringMatching(message),
    node: 'y/Pack (Pack)',
  })
})

test.each<[string, Attributes, RegExp]>([
  ['features of the context in the middle', { contextPerm: [0, 2, 1] }, /features have to be last/],
  ['a scale that single precision does not hold', { scale: 1e39 }, /scaled by 1e\+39/],
])('refuses to write PackedAttention with %s', (_, attributes, message) => {
  const write = (): unknown =>
    packedNode('PackedAttention', operands, { context: 'c' }, { ...attention, ...attributes })
  expect(refusal(write)).toMatchObject({ code: 'TP_PACK', message: expect.stringMatching(message) })
})
