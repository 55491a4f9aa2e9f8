import { operators } from '@tp/core/expression'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rules } from '../src/rules/index.ts'
import { checkGradients } from './central-differences.ts'
import { operations } from './operations/index.ts'
import { withoutRules } from './without-rules.ts'

const titled = operations.map(
  ({ name, form, operation }) => [form === undefined ? name : `${name}, ${form}`, operation] as const,
)
const seeds = fc.integer({ min: 1, max: 1e6 })

describe('the gradient of each operator agrees with central differences in double precision', () => {
  // Sizes have names, as in a file that takes any batch and length, or are numbers.
  test.each(titled)('%s', (_, operation) => {
    fc.assert(
      fc.property(operation, seeds, fc.subarray([2, 3, 4]), (drawn, seed, named) => checkGradients(drawn, seed, named)),
      { numRuns: 40 },
    )
  })
})

describe('the rules', () => {
  // its gradient is 0 by definition, not by differences: see gradients.test.ts
  const byDefinition = ['StopGradient']

  test('every rule is tried, and every operator tried has a rule', () => {
    const tried = new Set([...operations.map(({ name }) => name), ...byDefinition])
    expect([...tried].sort()).toEqual([...rules.keys()].sort())
  })

  test('cover every operator of core, or give a reason why not', () => {
    const reason = (name: string): string | undefined =>
      withoutRules[name.startsWith('com.microsoft.') ? 'com.microsoft.*' : name]
    const both = [...rules.keys()].filter((name) => reason(name) !== undefined)
    const neither = [...operators.keys()].filter((name) => !rules.has(name) && reason(name) === undefined)
    expect({ both, neither }).toEqual({ both: [], neither: [] })
  })
})
