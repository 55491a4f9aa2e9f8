import { isTpError } from '@tp/core'
import { keptCount } from '@tp/core/host'
import { arrayOf, choose, expectClose, marked, rowOf, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { goldenCase } from '../test/golden.ts'
import { runGoldenEncoder, statesOf } from '../test/golden-encoder.ts'
import { receivedAttention } from './index.ts'

describe('LTP (whose authors divide by the padded length)', () => {
  test.each(['hard-abs-pad', 'hard-abs-learned-offset', 'hard-abs-negative-threshold', 'hard-abs-drop-nearly-all'])(
    'gives the same scores and keeps the same tokens by threshold: %s',
    (name) => {
      const { inputs, outputs } = goldenCase(`ltp/${name}`)
      const [threshold = 0] = arrayOf(outputs, 'threshold').data
      rowsOf(arrayOf(inputs, 'valid')).forEach((attended, row) => {
        const padded = attended.length
        const count = attended.filter((mark) => mark === 1).length
        // the same cut at the scale that does not know of padding
        const value = (Math.max(1e-5, threshold) * padded) / count
        const attention = tensorOf(rowOf(arrayOf(inputs, 'probs'), row))
        const { kept } = choose(receivedAttention(), { attention, attended: [attended] }, { kind: 'threshold', value })
        const { scores } = choose(receivedAttention(), { attention, attended: [attended] }, { kind: 'ratio', value: 1 })
        const atTheirs = (scores[0] ?? []).map((score) => (score * count) / padded)
        const theirs = rowsOf(arrayOf(outputs, 'scores'))[row] ?? []
        expectClose(atTheirs.slice(0, count), theirs.slice(0, count), `scores of row ${row}`)
        const keptByThem = marked(arrayOf(outputs, 'kept'))[row] ?? []
        // theirs may drop a whole row; here one token is kept
        const best = theirs.indexOf(Math.max(...theirs))
        expect(kept[0]).toEqual(keptByThem.length === 0 ? [best] : keptByThem)
      })
    },
  )

  test('compares with a part of the largest score: relative-threshold', () => {
    const { inputs, outputs, params } = goldenCase('ltp/relative-threshold')
    rowsOf(arrayOf(inputs, 'valid')).forEach((attended, row) => {
      const attention = tensorOf(rowOf(arrayOf(inputs, 'probs'), row))
      const { scores } = choose(receivedAttention(), { attention, attended: [attended] }, { kind: 'ratio', value: 1 })
      const count = attended.filter((mark) => mark === 1).length
      const own = (scores[0] ?? []).slice(0, count)
      const heads = attention.dims[1] as number
      const theirs = rowsOf(arrayOf(outputs, 'sum_scores'))[row] ?? []
      expectClose(
        own.map((score) => score * heads * count),
        theirs.slice(0, count),
        `scores of row ${row}`,
      )
      const value = Math.max(...own) * (params.token_threshold as number)
      const { kept } = choose(receivedAttention(), { attention, attended: [attended] }, { kind: 'threshold', value })
      const keptByThem = (marked(arrayOf(outputs, 'kept'))[row] ?? []).filter((token) => attended[token] === 1)
      expect(kept[0]).toEqual(keptByThem)
    })
  })

  test.each(['topk-first-layers-spared', 'topk-layer5'])('keeps as many by received attention: %s', (name) => {
    const { inputs, outputs } = goldenCase(`ltp/${name}`)
    rowsOf(arrayOf(inputs, 'valid')).forEach((attended, row) => {
      const attention = tensorOf(rowOf(arrayOf(inputs, 'probs'), row))
      const value = arrayOf(outputs, 'keep_tokens').data[row] as number
      const { kept } = choose(receivedAttention(), { attention, attended: [attended] }, { kind: 'tokens', value })
      expect(kept[0]).toEqual(marked(arrayOf(outputs, 'kept'))[row])
    })
  })

  test.each(['encoder-hard', 'encoder-hard-first-layer-learned'])(
    'gives kept tokens the same states by pruning as by masking: %s',
    (name) => {
      const golden = goldenCase(`ltp/${name}`)
      const layers = golden.params.layers as number
      const kept = (layer: number): number[][] => marked(arrayOf(golden.outputs, `kept_after_${layer}`))
      rowsOf(arrayOf(golden.inputs, 'valid')).forEach((attended, row) => {
        const plan = Array.from({ length: layers }, (_, layer) => {
          const threshold = golden.outputs[`threshold_${layer}`]?.data[0]
          if (threshold === undefined || threshold === 0) return { layer }
          const before = layer === 0 ? attended.filter((mark) => mark === 1) : (kept(layer - 1)[row] ?? [])
          const value = (Math.max(1e-5, threshold) * attended.length) / before.length
          return { layer, amount: { kind: 'threshold', value } as const }
        })
        const options = { method: receivedAttention(), plan, protectedTokens: [], paddingIsKnown: true }
        runGoldenEncoder(golden, row, options).forEach(({ kept: own, hidden }, layer) => {
          const theirKept = kept(layer)[row] ?? []
          // theirs may drop a whole row; here one token is kept, and there is nothing to compare it with
          if (theirKept.length === 0) {
            expect(own).toHaveLength(1)
            return
          }
          expect(own, `layer ${layer}, row ${row}`).toEqual(theirKept)
          const theirs = statesOf(golden, `hidden_${layer + 1}`, row)
          for (const token of own)
            expectClose(hidden[token] ?? [], theirs[token] ?? [], `layer ${layer}, token ${token}`)
        })
      })
    },
  )
})

describe('PoWER-BERT (whose padding queries count, so padding is attended here)', () => {
  test.each(['hard-extract-5', 'hard-extract-keep-1', 'hard-extract-keep-all', 'hard-extract-pad'])(
    'keeps the same tokens: %s',
    (name) => {
      const { outputs, params } = goldenCase(`power_bert/${name}`)
      const attention = tensorOf(arrayOf(outputs, 'atten'))
      const tokens = attention.dims[3] as number
      const { scores, kept } = choose(
        receivedAttention({ diagonal: false }),
        { attention, protectedTokens: [0] },
        { kind: 'tokens', value: params.keep as number },
      )
      expectClose(
        scores.flat().map((score) => score * tokens),
        arrayOf(outputs, 'score').data,
        'scores',
      )
      expect(kept).toEqual(rowsOf(arrayOf(outputs, 'kept_ids')))
    },
  )

  test.each(['soft-extract-initial', 'soft-extract-grad', 'soft-extract-grad-pad'])(
    'ranks all tokens the same: %s',
    (name) => {
      const { inputs, outputs } = goldenCase(`power_bert/${name}`)
      const attention = tensorOf(arrayOf(inputs, 'atten'))
      rowsOf(arrayOf(outputs, 'order')).forEach((order, row) => {
        for (let value = 1; value <= order.length; value++) {
          const { kept } = choose(receivedAttention({ diagonal: false }), { attention }, { kind: 'tokens', value })
          expect(kept[row]).toEqual(sorted(order.slice(0, value)))
        }
      })
    },
  )
})

test('agrees with observed-attention of kvpress, the sum over the queries that see a key, in each group of heads', () => {
  const { inputs, outputs, params } = goldenCase('kv_scorers/observed-attention')
  const attention = arrayOf(inputs, 'attention')
  const [batch = 0, heads = 0, tokens = 0] = attention.shape
  const groups = params.kv_heads as number
  const grouped = tensorOf({ ...attention, shape: [batch * groups, heads / groups, tokens, tokens] })
  const { scores } = choose(receivedAttention(), { attention: grouped }, { kind: 'ratio', value: 1 })
  // theirs is a decoder, whose token j is seen by the n − j that follow; here every token is seen by all n
  const seen = scores.flatMap((row) => row.map((score, j) => (score * tokens) / (tokens - j)))
  expectClose(seen, arrayOf(outputs, 'score').data, 'scores')
})

describe('Length-Adaptive Transformer (whose padding queries count)', () => {
  test('gives the same lengths for a keep ratio, though theirs are never under 2: length-ratio-schedule', () => {
    const { params, outputs } = goldenCase('length_adaptive/length-ratio-schedule')
    const cases = params.cases as {
      max_seq_length: number
      num_hidden_layers: number
      length_drop_ratio: number
      layer_config?: number[]
    }[]
    for (const [i, drawn] of cases.entries()) {
      const ratio = { kind: 'ratio', value: 1 - drawn.length_drop_ratio } as const
      let count = drawn.max_seq_length
      const lengths = Array.from({ length: drawn.num_hidden_layers }, (_, layer) => {
        if (drawn.layer_config?.includes(layer) ?? true) count = Math.max(2, keptCount(count, ratio) as number)
        return count
      })
      expect(lengths).toEqual(arrayOf(outputs, `lengths_${i}`).data)
    }
  })

  test.each(['drop-restore', 'drop-restore-pad', 'keep-all', 'layer-skip', 'no-cls-protection'])(
    'keeps the same tokens: %s',
    (name) => {
      const golden = goldenCase(`length_adaptive/${name}`)
      const {
        length_config: lengths,
        layer_config: config,
        always_keep_cls: keepsClass,
      } = golden.params as { length_config: number[]; layer_config: number[] | null; always_keep_cls: boolean }
      const layers = config ?? lengths.map((_, layer) => layer)
      const plan = layers.map((layer) => ({
        layer,
        amount: { kind: 'tokens', value: lengths[layer] as number } as const,
      }))
      rowsOf(arrayOf(golden.inputs, 'valid')).forEach((attended, row) => {
        const options = {
          method: receivedAttention(),
          plan,
          protectedTokens: keepsClass ? [0] : [],
          paddingIsKnown: false,
        }
        runGoldenEncoder(golden, row, options).forEach(({ kept, hidden }, i) => {
          const ids = rowsOf(arrayOf(golden.outputs, `original_ids_${i}`))[row] ?? []
          const attendedIds = ids.filter((id) => attended[id] === 1)
          expect(kept, `layer ${i}, row ${row}`).toEqual(sorted(attendedIds))
          const theirs = statesOf(golden, `hidden_${i}`, row)
          for (const id of attendedIds)
            expectClose(hidden[id] ?? [], theirs[ids.indexOf(id)] ?? [], `layer ${i}, token ${id}`)
        })
      })
    },
  )
})

test('scores are shares of all attention, which add up to 1', () => {
  fc.assert(
    fc.property(attentions({ heads: 3 }), ({ attention, attended }) => {
      const { scores } = choose(receivedAttention(), { attention, attended }, { kind: 'ratio', value: 1 })
      scores.forEach((row, b) => {
        const total = row.reduce((sum, score, j) => sum + (attended[b]?.[j] === 1 ? score : 0), 0)
        expect(total).toBeCloseTo(1, 6)
      })
    }),
    { numRuns: 30 },
  )
})

describe('sampled queries', () => {
  test('samples all queries where the number is that of the tokens or more', () => {
    fc.assert(
      fc.property(
        attentions({ heads: 2 }),
        fc.boolean(),
        fc.integer({ min: 12, max: 40 }),
        ({ attention, attended }, diagonal, queries) => {
          const all = choose(receivedAttention({ diagonal }), { attention, attended }, { kind: 'ratio', value: 1 })
          const some = choose(
            receivedAttention({ diagonal, queries }),
            { attention, attended },
            { kind: 'ratio', value: 1 },
          )
          attended.forEach((marks, b) => {
            marks.forEach((mark, j) => {
              if (mark === 1) expect(some.scores[b]?.[j]).toBeCloseTo(all.scores[b]?.[j] as number, 6)
            })
          })
        },
      ),
      { numRuns: 30 },
    )
  })

  test('samples the attended rows i·n div Q, wherever the padding is', () => {
    fc.assert(
      fc.property(attentions({ heads: 2 }), fc.integer({ min: 1, max: 12 }), ({ attention, attended }, queries) => {
        const { scores } = choose(receivedAttention({ queries }), { attention, attended }, { kind: 'ratio', value: 1 })
        attended.forEach((marks, b) => {
          const tokens = marks.flatMap((mark, j) => (mark === 1 ? [j] : []))
          const positions = Array.from({ length: queries }, (_, i) => Math.floor((i * tokens.length) / queries))
          const rows = [...new Set(positions)].map((position) => tokens[position] as number)
          const expected = columnMeans(attention, b, rows)
          for (const j of tokens) expect(scores[b]?.[j]).toBeCloseTo(expected[j] as number, 6)
        })
      }),
      { numRuns: 50 },
    )
  })

  test.each([0, -1, 1.5, Number.NaN])('%s is refused', (queries) => {
    expect(() => receivedAttention({ queries })).toThrow(/queries is .* a whole number from 1/)
  })
})

test('an unknown option is refused', () => {
  const options = { diagonals: true } as object
  try {
    receivedAttention(options)
    expect.unreachable()
  } catch (error) {
    expect(isTpError(error) && error.code).toBe('TP_OPTION')
  }
})
