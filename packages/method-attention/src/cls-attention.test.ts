import { arrayOf, choose, expectClose, rowOf, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { goldenCase } from '../test/golden.ts'
import { clsAttention } from './index.ts'

describe("EViT's ranking (patches are counted without the class token)", () => {
  test.each(['k0.5-nofuse', 'k0.6-fuse-grad', 'k0.7-fuse', 'tokens-all-but-one', 'tokens1-fuse'])(
    'ranks as the authors’ code does: %s',
    (name) => {
      const { outputs } = goldenCase(`evit/${name}`)
      const attention = tensorOf(arrayOf(outputs, 'probs'))
      const [left = 0] = arrayOf(outputs, 'left_tokens').data
      const { scores, kept } = choose(
        clsAttention(),
        { attention, protectedTokens: [0] },
        { kind: 'tokens', value: left + 1 },
      )
      expectClose(
        scores.flatMap((row) => row.slice(1)),
        arrayOf(outputs, 'cls_attn').data,
        'scores',
      )
      expect(kept).toEqual(rowsOf(arrayOf(outputs, 'keep_idx')).map((row) => [0, ...sorted(row.map((i) => i + 1))]))
    },
  )
})

describe("VisionZip's dominant tokens", () => {
  test.each(['dominant1-context1', 'dominant5-context3', 'step-not-divisor'])(
    'keeps the same tokens as the authors’ code: %s',
    (name) => {
      const { inputs, outputs, params } = goldenCase(`visionzip/${name}`)
      const attention = tensorOf(arrayOf(inputs, 'attention'))
      const heads = params.heads as number
      const amount = { kind: 'tokens', value: (params.dominant as number) + 1 } as const
      const { scores, kept } = choose(clsAttention(), { attention, protectedTokens: [0] }, amount)
      const sums = scores.flatMap((row) => row.slice(1).map((score) => score * heads))
      expectClose(sums, arrayOf(outputs, 'cls_attention_sum').data, 'scores')
      expect(kept).toEqual(rowsOf(arrayOf(outputs, 'dominant_indices')).map(sorted))
    },
  )
})

describe('FastV, with the last query as the class token and text tokens always kept', () => {
  test.each(['k1-keep-2-batch2', 'k2-half', 'keep-all-images'])('keeps the same tokens: %s', (name) => {
    const { outputs, params } = goldenCase(`fastv/${name}`)
    const {
      system_length: first,
      image_tokens: images,
      keep,
    } = params as Record<string, number> as { system_length: number; image_tokens: number; keep: number }
    // for the whole batch the authors rank by example 0
    const attention = tensorOf(rowOf(arrayOf(outputs, 'attention_before'), 0))
    const tokens = attention.dims[3] as number
    const isImage = (i: number): boolean => i >= first && i < first + images
    const protectedTokens = Array.from({ length: tokens }, (_, i) => i).filter((i) => !isImage(i))
    const amount = { kind: 'tokens', value: protectedTokens.length + keep } as const
    const { scores, kept } = choose(clsAttention(), { attention, protectedTokens, classToken: tokens - 1 }, amount)
    expectClose(scores[0]?.filter((_, i) => isImage(i)) ?? [], rowsOf(arrayOf(outputs, 'score'))[0] ?? [], 'scores')
    // in the authors' code indices of image tokens count from the first of them or from the start
    const ids = arrayOf(outputs, 'kept_ids').data
    expect(kept[0]?.filter(isImage)).toEqual(sorted(ids))
  })
})

test('depends on the class token only, and not on what other tokens attend to', () => {
  fc.assert(
    fc.property(attentions({ heads: 3 }), ({ attention, attended }) => {
      const { scores } = choose(clsAttention(), { attention, attended }, { kind: 'ratio', value: 1 })
      attended.forEach((_, b) => {
        columnMeans(attention, b, [0]).forEach((mean, j) => {
          expect(scores[b]?.[j]).toBeCloseTo(mean, 6)
        })
      })
    }),
    { numRuns: 30 },
  )
})
