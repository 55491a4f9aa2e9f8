import { operators as known } from '@tp/core/expression'
import { expect, test } from 'vitest'
import { operators } from './table.ts'
import { hasTrait } from './traits.ts'

/** Of operators of these names the shapes are not known, so that nothing downstream of them is followed. */
const withoutShapes = [
  'ConvTranspose',
  'GroupNormalization',
  'QLinearConv',
  'QLinearMatMul',
  'com.microsoft.PackedAttention',
  'com.microsoft.PackedMultiHeadAttention',
]

test('every operator whose shapes are known has its traits', () => {
  expect([...known.keys()].filter((name) => !operators.has(name)).sort()).toEqual([])
  expect([...operators].filter(([, { traits }]) => traits.length === 0)).toEqual([])
})

test('every operator that has traits has known shapes, or is listed', () => {
  expect([...operators.keys()].filter((name) => !known.has(name)).sort()).toEqual(withoutShapes)
})

test('an operator of another domain has no traits of its namesake', () => {
  expect(hasTrait({ domain: '', opType: 'Gelu' }, 'activation')).toBe(true)
  expect(hasTrait({ domain: 'com.microsoft', opType: 'QuickGelu' }, 'activation')).toBe(true)
  expect(hasTrait({ domain: 'org.example', opType: 'Gelu' }, 'activation')).toBe(false)
  expect(hasTrait({ domain: '', opType: 'NoSuchOperator' }, 'activation')).toBe(false)
})
