import { describe, expect, test } from 'vitest'
import { arrayOf, goldenCase, rowsOf, tensorOf } from '../test/golden.ts'
import { asKeys, expectLeft, type Left, reduceOnce, sizesOf } from '../test/one-site.ts'
import { vitBlock } from '../test/vit-block.ts'
import { tome } from './index.ts'

function merged(name: string): { left: Left[]; outputs: ReturnType<typeof goldenCase>['outputs'] } {
  const { params, inputs, outputs } = goldenCase(`tome/${name}`)
  const fixed = params.distill_token === true ? [0, 1] : params.class_token === true ? [0] : []
  const site = {
    hidden: tensorOf(arrayOf(inputs, 'x')),
    key: asKeys(arrayOf(inputs, 'metric')),
    size: sizesOf(arrayOf(inputs, 'size')),
    fixed,
  }
  return { left: reduceOnce(tome(), site, { kind: 'remove', value: params.r as number }), outputs }
}

describe("the authors' merge", () => {
  test.each(['r0-keep-all', 'r4-cls', 'r99-more-than-half', 'dup-tokens-cls'])(
    '%s: the same tokens, in order',
    (name) => {
      const { left, outputs } = merged(name)
      expectLeft(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'), { inOrder: name !== 'r0-keep-all' })
    },
  )

  test('two fixed tokens: class, distillation, then the rest', () => {
    const { left, outputs } = merged('r5-cls-dist')
    expectLeft(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'), { inOrder: true })
  })

  test('no class token: the same tokens; theirs leaves the even ones in order of likeness', () => {
    const { left, outputs } = merged('r3-nocls')
    expectLeft(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'))
    const even = left.map(({ position }) => position.filter((place) => place % 2 === 0))
    const order = rowsOf(arrayOf(outputs, 'unm_idx')).map((row) => row.map((i) => 2 * i))
    expect(even).toEqual(order.map((row) => [...row].sort((a, b) => a - b)))
    expect(even).not.toEqual(order)
  })

  test.each([
    ['block-prop-attn', true],
    ['block-no-prop-attn', false],
  ] as const)('%s: a whole block', (name, proportional) => {
    const golden = goldenCase(`tome/${name}`)
    const { site, feedForward } = vitBlock(golden, { size: sizesOf(arrayOf(golden.inputs, 'size')), proportional })
    const left = reduceOnce(tome(), site, { kind: 'remove', value: golden.params.r as number }, feedForward)
    expectLeft(left, arrayOf(golden.outputs, 'y'), arrayOf(golden.outputs, 'size_out'), { inOrder: true })
  })
})
