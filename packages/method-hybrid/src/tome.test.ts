import { constant } from '@tp/core'
import { arrayOf, type GoldenCase, rowsOf, tensorOf } from '@tp/core/testing'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { asKeys, expectKept, type KeptExample, reduceOnce, sizesOf } from '../test/one-site.ts'
import { vitLayer } from '../test/vit-layer.ts'
import { tome } from './index.ts'

function merged(name: string): GoldenCase & { readonly left: KeptExample[] } {
  const golden = goldenCase(`tome/${name}`)
  const { params, inputs } = golden
  const protectedTokens = params.distill_token === true ? [0, 1] : params.class_token === true ? [0] : []
  const site = {
    hidden: tensorOf(arrayOf(inputs, 'x')),
    key: asKeys(arrayOf(inputs, 'metric')),
    size: sizesOf(arrayOf(inputs, 'size')),
    protectedTokens,
  }
  return { ...golden, left: reduceOnce(tome(), site, { kind: 'remove', value: params.r as number }) }
}

describe("the authors' merge", () => {
  test.each(['r0-keep-all', 'r4-cls', 'r99-more-than-half', 'dup-tokens-cls'])(
    'gives the same tokens in order: %s',
    (name) => {
      const { left, outputs } = merged(name)
      expectKept(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'), { inOrder: name !== 'r0-keep-all' })
    },
  )

  test('protects two tokens, class and distillation, in front of the others', () => {
    const { left, outputs } = merged('r5-cls-dist')
    expectKept(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'), { inOrder: true })
  })

  test('gives the same tokens without a class token, in order of position instead of similarity', () => {
    const { left, outputs } = merged('r3-nocls')
    expectKept(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'))
    const even = left.map(({ position }) => position.filter((position) => position % 2 === 0))
    const order = rowsOf(arrayOf(outputs, 'unm_idx')).map((row) => row.map((i) => 2 * i))
    expect(even).toEqual(order.map((row) => [...row].sort((a, b) => a - b)))
    expect(even).not.toEqual(order)
  })

  test.each(['r0-keep-all', 'r4-cls', 'r99-more-than-half', 'dup-tokens-cls', 'r5-cls-dist'])(
    'gives the same where merged tokens are merged again: %s',
    (name) => {
      const { left, outputs, params, inputs } = merged(name)
      const [batch, tokens, width] = [left.length, left[0]?.hidden.length ?? 0, left[0]?.hidden[0]?.length ?? 0]
      const keys = arrayOf(inputs, 'metric').shape[2] as number
      const states = left.flatMap(({ hidden }) => hidden)
      const site = {
        hidden: constant(states.flat(), 'float32', [batch, tokens, width]),
        // their second metric: the first channels of the tokens themselves
        key: constant(
          states.flatMap((state) => state.slice(0, keys)),
          'float32',
          [batch, 1, tokens, keys],
        ),
        size: constant(
          left.flatMap(({ size }) => size),
          'float32',
          [batch, tokens],
        ),
        protectedTokens: params.distill_token === true ? [0, 1] : [0],
      }
      const again = reduceOnce(tome(), site, { kind: 'remove', value: params.r as number })
      const inOrder = name !== 'r0-keep-all'
      expectKept(again, arrayOf(outputs, 'second_merged'), arrayOf(outputs, 'second_size'), { inOrder })
    },
  )

  test.each([
    ['block-prop-attn', true],
    ['block-no-prop-attn', false],
  ] as const)('merges as the authors’ code does in a whole layer: %s', (name, proportional) => {
    const golden = goldenCase(`tome/${name}`)
    const { site, feedForward } = vitLayer(golden, { size: sizesOf(arrayOf(golden.inputs, 'size')), proportional })
    const left = reduceOnce(tome(), site, { kind: 'remove', value: golden.params.r as number }, feedForward)
    expectKept(left, arrayOf(golden.outputs, 'y'), arrayOf(golden.outputs, 'size_out'), { inOrder: true })
  })
})
