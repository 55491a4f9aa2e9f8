import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hull, type Path, type SearchSpace, spentMs, summedLoss } from './search.ts'

const levels = [1, 0.7, 0.4, 0.1]

/** A space from drawn numbers: each share costs more time than the next smaller one, and loses less. */
const spaces = fc
  .record({
    sites: fc.integer({ min: 1, max: 4 }),
    slopes: fc.array(fc.double({ min: 0.1, max: 5, noNaN: true }), { minLength: 4, maxLength: 4 }),
    needs: fc.array(fc.double({ min: 0.01, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 }),
    cut: fc.double({ min: 0, max: 1, noNaN: true }),
    leastRatio: fc.constantFrom(0, 0.5),
  })
  .map(
    ({ sites, slopes, needs, cut, leastRatio }): SearchSpace => ({
      sites,
      levels,
      leastRatio,
      ms: (site, share) => (slopes[site] as number) * share,
      cutMs: (_, share) => cut * share,
      loss: (site, share) => (needs[site] as number) * (1 - share) ** 2,
    }),
  )

/** Every schedule there is, with its time and loss added up again. */
function all({ sites, ms, cutMs, loss, leastRatio = 0 }: SearchSpace): Path[] {
  let paths: Path[] = [{ shares: [], ms: 0, loss: 0 }]
  for (let site = 0; site < sites; site++) {
    paths = paths.flatMap((path) => {
      const before = path.shares.at(-1) ?? 1
      return levels
        .filter((share) => share <= before && share >= leastRatio * before)
        .map((share) => ({
          shares: [...path.shares, share],
          ms: path.ms + ms(site, share) + (share < before ? cutMs(site, before) : 0),
          loss: path.loss + (share < before ? Math.max(0, loss(site, share) - loss(site, before)) : 0),
        }))
    })
  }
  return paths
}

describe('the hull of schedules', () => {
  test('contains the best of all schedules for every weight of loss against time', () => {
    fc.assert(
      fc.property(spaces, fc.double({ min: 0.01, max: 100, noNaN: true }), (space, weight) => {
        const price = ({ ms, loss }: Path): number => ms + weight * loss
        const best = Math.min(...all(space).map(price))
        expect(Math.min(...hull(space).map(price))).toBeCloseTo(best, 4)
      }),
    )
  })

  test('trades time for loss from the fastest to one that loses nothing', () => {
    fc.assert(
      fc.property(spaces, (space) => {
        const found = hull(space)
        const every = all(space)
        expect(found[0]?.ms).toBeCloseTo(Math.min(...every.map(({ ms }) => ms)), 9)
        expect(found.at(-1)?.loss).toBe(0)
        for (const [i, path] of found.entries()) {
          const same = every.find(({ shares }) => shares.join() === path.shares.join())
          expect(path.ms).toBeCloseTo(same?.ms as number, 9)
          expect(spentMs(space, path.shares)).toBeCloseTo(path.ms, 9)
          expect(summedLoss(space.loss, path.shares)).toBeCloseTo(path.loss, 9)
          expect(path.loss).toBeCloseTo(same?.loss as number, 9)
          const before = found[i - 1]
          if (before === undefined) continue
          expect(path.ms).toBeGreaterThan(before.ms)
          expect(path.loss).toBeLessThan(before.loss)
        }
      }),
    )
  })
})
