import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evenProfiles, neighbors, profileOf, sharesAt, sharesOf } from './profile.ts'

const profiles = fc
  .array(fc.constantFrom(0, 0.2, 0.5, 1), { minLength: 1, maxLength: 6 })
  .filter((weights) => weights.includes(1))

test('describes equal ratios at every site as a profile with the logarithm of the ratio as strength', () => {
  const [all, later] = evenProfiles(4).map((profile) => sharesOf(profile, -Math.log(0.5)))
  expect(all).toEqual([0.5, 0.25, 0.125, 0.0625])
  expect(later).toEqual([1, 0.5, 0.25, 0.125])
  expect(evenProfiles(1)).toEqual([[1]])
  expect(profileOf([1, 0.5, 0.25, 0.125])).toEqual([0, 1, 1, 1])
})

test('recovers a profile from its shares', () => {
  fc.assert(
    fc.property(profiles, fc.double({ min: 0.05, max: 0.5, noNaN: true }), (profile, strength) => {
      for (const [site, weight] of profileOf(sharesOf(profile, strength)).entries()) {
        expect(weight).toBeCloseTo(profile[site] as number, 1)
      }
    }),
  )
})

describe('a profile for a given time', () => {
  const msOf = (shares: readonly number[]): number => 1 + shares.reduce((sum, share) => sum + share, 0)

  test('prunes as many tokens as required, and hardly more', () => {
    fc.assert(
      fc.property(profiles, fc.double({ min: 0.3, max: 0.99, noNaN: true }), (profile, part) => {
        const most = msOf(profile.map(() => 1))
        const shares = sharesAt(profile, part * most, { msOf, leastRatio: 0 })
        if (shares === undefined) {
          expect(msOf(sharesOf(profile, 1e3))).toBeGreaterThan(part * most)
          return
        }
        expect(msOf(shares)).toBeLessThanOrEqual(part * most)
        expect(msOf(shares)).toBeGreaterThan(part * most - 0.01)
      }),
    )
  })

  test('never keeps less at a site than the method can', () => {
    fc.assert(
      fc.property(profiles, fc.double({ min: 0.3, max: 0.99, noNaN: true }), (profile, part) => {
        const shares = sharesAt(profile, part * msOf(profile.map(() => 1)), { msOf, leastRatio: 0.5 }) ?? []
        for (const [site, share] of shares.entries()) {
          expect(share / (shares[site - 1] ?? 1)).toBeGreaterThanOrEqual(0.5 - 1e-5)
        }
      }),
    )
    expect(sharesAt([1], 1.4, { msOf, leastRatio: 0.5 })).toBeUndefined()
  })

  test('gives no schedule for a time that cannot be reached', () => {
    expect(sharesAt([0, 0, 1], 2, { msOf, leastRatio: 0 })).toBeUndefined()
  })
})

describe('profiles one step away', () => {
  test('have a weight raised, lowered, cleared or moved, or a site added', () => {
    expect(neighbors([0, 1, 0, 0.5])).toEqual(
      expect.arrayContaining([
        [0, 1, 0, 0.8],
        [0, 1, 0, 0.3125],
        [0, 1, 0, 0],
        [1, 0, 0, 0.5],
        [0, 0, 1, 0.5],
        [0, 1, 0.5, 0],
        [0, 1, 0.375, 0.5],
        [0.375, 1, 0, 0.5],
      ]),
    )
  })

  test('differ, and have the largest weight 1', () => {
    fc.assert(
      fc.property(profiles, (from) => {
        for (const profile of neighbors(from)) {
          expect(profile).toHaveLength(from.length)
          expect(profile).not.toEqual(from)
          expect(Math.max(...profile)).toBe(1)
          expect(Math.min(...profile)).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })
})
