import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { operators as known } from '@tp/core/expression'
import { expect, test } from 'vitest'
import type { Trait } from './operator.ts'
import { operators } from './table.ts'
import { hasTrait } from './traits.ts'
import { withoutShapes } from './without-shapes.ts'

/** Forms that one analysis matches, such as what is between a sum and its root, and what onnxruntime moves a rounding past. */
const patterns = [
  'Clip Max Add Sqrt Pow',
  'Div Reciprocal',
  'Expand Flatten Gather Identity MaxPool Reshape Slice Squeeze Transpose Unsqueeze',
]

test('every operator whose shapes are known has its traits', () => {
  expect([...known.keys()].filter((name) => !operators.has(name)).sort()).toEqual([])
  expect([...operators].filter(([, { traits }]) => traits.length === 0)).toEqual([])
})

test('every operator that has traits has known shapes, or is among those without', () => {
  expect([...operators.keys()].filter((name) => !known.has(name)).sort()).toEqual(Object.keys(withoutShapes).sort())
})

test('an operator with a narrower trait has the wider one', () => {
  const wider: Readonly<Partial<Record<Trait, Trait>>> = {
    sum: 'linear',
    factor: 'linear',
    'joined axes': 'moved values',
    'unit axes': 'moved values',
    'broadcast values': 'repeated values',
  }
  const missing = [...operators].flatMap(([name, { traits, reduces }]) => {
    const needed: readonly (Trait | undefined)[] = [
      ...traits.map((trait) => wider[trait]),
      ...(reduces === undefined ? [] : (['reduction'] as const)),
    ]
    return needed.flatMap((trait) => (trait === undefined || traits.includes(trait) ? [] : [`${name}: ${trait}`]))
  })
  expect(missing).toEqual([])
})

test('activations between two products are known by name', () => {
  const names = [
    'Celu',
    'Elu',
    'Erf',
    'Gelu',
    'HardSwish',
    'LeakyRelu',
    'Mish',
    'Relu',
    'Selu',
    'Softplus',
    'Softsign',
    'Swish',
    'Tanh',
  ]
  const activations = [...operators].filter(([, { traits }]) => traits.includes('activation')).map(([name]) => name)
  expect(activations).toEqual(expect.arrayContaining(names))
})

test('an operator of another domain has no traits of its namesake', () => {
  expect(hasTrait({ domain: '', opType: 'Gelu' }, 'activation')).toBe(true)
  expect(hasTrait({ domain: 'com.microsoft', opType: 'QuickGelu' }, 'activation')).toBe(true)
  expect(hasTrait({ domain: 'org.example', opType: 'Gelu' }, 'activation')).toBe(false)
  expect(hasTrait({ domain: '', opType: 'NoSuchOperator' }, 'activation')).toBe(false)
})

test('facts about operators are entries of the table, not lists of names elsewhere', () => {
  const source = join(import.meta.dirname, '..')
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && !file.startsWith('operators'),
  )
  const lists = files.flatMap((file) => {
    const found = readFileSync(join(source, file), 'utf8').match(/\[\s*('[\w.]+',?\s*){2,}\]/g) ?? []
    return found.map((list) => (list.match(/[\w.]+/g) ?? []) as string[])
  })
  const ofOperators = lists.filter((names) => names.every((name) => operators.has(name)))
  expect(ofOperators.map((names) => names.join(' ')).sort()).toEqual(patterns)
})
