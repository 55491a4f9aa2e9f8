import { evaluate, input, readPlugin, type Site } from '@tp/core'
import { testMethod } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { run } from '../test/run.ts'
import * as exported from './index.ts'
import { normTimesAttention } from './norm-times-attention.ts'

testMethod(normTimesAttention(), { run })
testMethod(normTimesAttention({ power: 0.5 }), { run })

test('scores tokens by received attention times a power of the norm', () => {
  const hidden = input('hidden', 'float32', ['B', 'N', 'D'])
  const received = input('received', 'float32', ['B', 'N'])
  const feeds = {
    hidden: { type: 'float32', dims: [1, 2, 2], data: Float32Array.of(3, 4, 0, 1) },
    received: { type: 'float32', dims: [1, 2], data: Float32Array.of(0.25, 0.75) },
  }
  const scores = (power: number): readonly unknown[] => {
    const score = normTimesAttention({ power }).score({ hidden, received } as Site)
    return [...(evaluate([score], feeds)[0]?.data ?? [])]
  }
  expect(scores(0)).toEqual([0.25, 0.75])
  expect(scores(1)).toEqual([1.25, 0.75])
})

test('tp --plugin finds the method', () => {
  const { methods } = readPlugin(exported, 'tp-example-plugin')
  expect(methods.map(({ name }) => name)).toEqual(['norm-times-attention'])
})
