import { scorer } from '@tp/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { namedVariant } from './candidate.ts'
import { rowsOf, type Sites, sharesAt, workOf } from './rows.ts'

const entry = (reduces?: 'pair') => {
  const method = {
    ...scorer({ name: 'first', family: 'baseline', score: (site) => site.position }),
    ...(reduces && { reduces }),
  }
  return {
    name: 'first',
    family: 'baseline' as const,
    description: 'keeps the first',
    options: {},
    create: () => method,
  }
}
const sitesOf = (layers: number): Sites => ({ layers, sites: Array.from({ length: layers - 1 }, (_, layer) => layer) })

test('divides pruning among layers as recipes say, each way once', () => {
  const layers = ['every', 'but-first', 'thirds', 'middle', 'first', 'second', 'second-half'] as const
  const variant = (sites: readonly number[]) => namedVariant({ entry: entry(), layers }, sites)
  expect(rowsOf(variant(sitesOf(6).sites), 6).map(({ name, profile }) => [name, profile.join(' ')])).toEqual([
    ['first, every', '1 1 1 1 1'],
    ['first, but-first', '0 1 1 1 1'],
    ['first, thirds', '0 0 1 0 1'],
    ['first, middle', '0 0 0 1 0'],
    ['first, first', '1 0 0 0 0'],
    ['first, second', '0 1 0 0 0'],
    ['first, second-half', '0 0 0 1 1'],
  ])
  // With one site all ways are the same.
  expect(rowsOf(variant([0]), 2)).toHaveLength(1)
  expect(rowsOf(variant([]), 1)).toEqual([])
})

const someRow = fc
  .record({
    layers: fc.integer({ min: 2, max: 12 }),
    reduces: fc.constantFrom(undefined, 'pair' as const),
    way: fc.nat(3),
  })
  .map(({ layers, reduces, way }) => {
    const sites = sitesOf(layers)
    const rows = rowsOf(namedVariant({ entry: entry(reduces) }, sites.sites), layers)
    return { sites, row: rows[way % rows.length] as (typeof rows)[0] }
  })

test('does as much of the work as required and hardly less, and at no site prunes more than the method can', () => {
  fc.assert(
    fc.property(someRow, fc.double({ min: 0.2, max: 0.98, noNaN: true }), ({ row, sites }, work) => {
      const shares = sharesAt(row, work)
      if (shares === undefined) {
        const strongest = row.profile.map((_, site) =>
          row.profile
            .slice(0, site + 1)
            .reduce((share, weight) => share * Math.max(row.leastRatio, weight > 0 ? 0.001 : 1), 1),
        )
        expect(workOf(strongest, sites)).toBeGreaterThan(work - 0.01)
        return
      }
      expect(workOf(shares, sites)).toBeLessThanOrEqual(work)
      expect(workOf(shares, sites)).toBeGreaterThan(work - 0.01)
      for (const [site, share] of shares.entries())
        expect(share / (shares[site - 1] ?? 1)).toBeGreaterThanOrEqual(row.leastRatio - 1e-5)
    }),
  )
})
