import { readFileSync } from 'node:fs'
import { constant, readPlugin, type Tensor } from '@tp/core'
import { choose, testMethod } from '@tp/core/testing'
import { describe, expect, test } from 'vitest'
import { run } from '../test/run.ts'
import * as exported from './index.ts'
import { divPrune, pruMerge } from './index.ts'

testMethod(divPrune(), { run })
testMethod(pruMerge(), { run })
testMethod(pruMerge({ neighbors: 2 }), { run })

interface Case {
  readonly x: readonly (readonly number[])[]
  readonly key: readonly (readonly number[])[]
  readonly attention: readonly number[]
  readonly chosen: readonly number[]
  readonly kept: readonly number[]
  readonly states: readonly (readonly number[])[]
}
const cases: readonly Case[] = JSON.parse(readFileSync(new URL('../test/golden.json', import.meta.url), 'utf8'))

const rows = (list: readonly (readonly number[])[], ...dims: readonly number[]): Tensor =>
  constant(list.flat(), 'float32', dims)

describe.each(cases)('the methods, like NumPy', ({ x, key, attention, chosen, kept, states }) => {
  const tokens = x.length
  const hidden = rows(x, 1, tokens, 5)

  test.each([1, 3, 6])('div-prune keeps %i tokens', (count) => {
    const choice = choose(divPrune(), { hidden }, { kind: 'tokens', value: count })
    expect(choice.kept).toEqual([[...chosen.slice(0, count)].sort((a, b) => a - b)])
  })

  test('pru-merge keeps exceptional tokens and merges the others', () => {
    const site = {
      hidden,
      key: rows(key, 1, 1, tokens, 4),
      attention: rows(
        Array.from({ length: tokens }, () => attention),
        1,
        1,
        tokens,
        tokens,
      ),
    }
    const choice = choose(pruMerge({ neighbors: 4 }), site, { kind: 'ratio', value: 1 })
    expect(choice.kept).toEqual([kept])
    choice.states[0]?.forEach((state, slot) => {
      state.forEach((value, i) => {
        expect(value).toBeCloseTo(states[slot]?.[i] as number, 5)
      })
    })
  })
})

test('refuses div-prune without a number', () => {
  const hidden = rows([[1, 2, 3]], 1, 3, 1)
  expect(() => choose(divPrune(), { hidden }, { kind: 'threshold', value: 1 })).toThrow('give keep, tokens or remove')
})

test('tp --plugin finds both', () => {
  const { methods } = readPlugin(exported, 'tp-vision-plugin')
  expect(methods.map(({ name }) => name)).toEqual(['div-prune', 'pru-merge'])
})
