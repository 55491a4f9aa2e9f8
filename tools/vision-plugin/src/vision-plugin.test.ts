import { readFileSync } from 'node:fs'
import { constant, readPlugin, type Tensor } from '@tp/core'
import { choose, testMethod } from '@tp/core/testing'
import { describe, expect, test } from 'vitest'
import { run } from '../test/run.ts'
import * as exported from './index.ts'
import { pruMerge } from './index.ts'

testMethod(pruMerge(), { run })
testMethod(pruMerge({ neighbors: 2 }), { run })

interface Case {
  readonly x: readonly (readonly number[])[]
  readonly key: readonly (readonly number[])[]
  readonly attention: readonly number[]
  readonly kept: readonly number[]
  readonly states: readonly (readonly number[])[]
}
const cases: readonly Case[] = JSON.parse(readFileSync(new URL('../test/golden.json', import.meta.url), 'utf8'))

const rows = (list: readonly (readonly number[])[], ...dims: readonly number[]): Tensor =>
  constant(list.flat(), 'float32', dims)

describe.each(cases)('pru-merge, like NumPy', ({ x, key, attention, kept, states }) => {
  const tokens = x.length
  const hidden = rows(x, 1, tokens, 5)

  test('keeps exceptional tokens and merges the others', () => {
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

test('tp --plugin finds it', () => {
  const { methods } = readPlugin(exported, 'tp-vision-plugin')
  expect(methods.map(({ name }) => name)).toEqual(['pru-merge'])
})
