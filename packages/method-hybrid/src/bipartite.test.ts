import { constant, evaluate, type Tensor } from '@tp/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bipartite } from './bipartite.ts'

/** Batch of 2, 1 head, keys of 3 numbers; the first tokens are protected, none is padding. */
const cases = fc
  .record({ leading: fc.integer({ min: 0, max: 4 }), others: fc.integer({ min: 0, max: 9 }), neighbors: fc.boolean() })
  .filter(({ leading, others }) => leading + others > 0)
  .chain(({ leading, others, neighbors }) => {
    const tokens = leading + others
    // few whole numbers, so that there are equal keys and keys of length 0
    const keys = fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 6 * tokens, maxLength: 6 * tokens })
    return keys.map((key) => ({ leading, tokens, neighbors, key }))
  })

function matched({ leading, tokens, neighbors, key }: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const rows = (each: (i: number) => number): Tensor =>
    constant(
      Array.from({ length: 2 * tokens }, (_, i) => each(i % tokens)),
      'float32',
      [2, tokens],
    )
  const index = rows((i) => i)
  const site = {
    index,
    ordinal: index,
    attended: constant(
      Array.from({ length: 2 * tokens }, () => 1),
      'bool',
      [2, tokens],
    ),
    protectedTokens: constant(
      Array.from({ length: 2 * tokens }, (_, i) => (i % tokens < leading ? 1 : 0)),
      'bool',
      [2, tokens],
    ),
    key: constant(key, 'float32', [2, 1, tokens, 3]),
  }
  const read = (leadingTokens: number | undefined): Record<string, number[]> => {
    const { distance, sources, into, order } = bipartite({ ...site, leading: leadingTokens }, { neighbors })
    const [far, some, partner, rank] = evaluate([distance, sources, into, order], {}, { precision: 'float64' }).map(
      ({ data }) => Array.from(data, Number),
    ) as [number[], number[], number[], number[]]
    const hasPartner = far.map((each) => each < 3)
    return {
      sources: some,
      // only whether there is a partner, and how far it is
      distance: far.map((each) => (each < 3 ? Math.round(each * 1e9) / 1e9 + 0 : 3)),
      partner: partner.map((each, i) => (hasPartner[i] ? each : -1)),
      // protected tokens come first whatever their key
      order: Array.from({ length: 2 }, (_, b) =>
        Array.from({ length: tokens - leading }, (_, i) => leading + i).sort(
          (i, j) => (rank[b * tokens + i] as number) - (rank[b * tokens + j] as number) || i - j,
        ),
      ).flat(),
    }
  }
  return { byIndices: read(leading), byOrdinals: read(undefined) }
}

test('finds the same pairs by slices as among all tokens', () => {
  fc.assert(
    fc.property(cases, (drawn) => {
      const { byIndices, byOrdinals } = matched(drawn)
      expect(byIndices).toEqual(byOrdinals)
    }),
  )
})
