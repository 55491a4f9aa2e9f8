import { join } from 'node:path'
import { fixturesFolder, fixturesIn, thorough } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { examine } from './examine.ts'
import { questions } from './examiner.ts'

/** Far apart, so that they are spoilt in many ways. Thousands more: `npm run benchmark -- fuzz`. */
const seeds = Array.from({ length: thorough(20, 60) }, (_, i) => i * 53)
/** Those that something was wrong with once: sizes that are negative or huge, heads that share nothing, empty constants. */
const found = [29, 1168, 1767, 2141, 2223, 7111, 8026]

describe('a broken file gives an error, a refusal, or a file that loads', () => {
  const folder = fixturesFolder
  const names = fixturesIn(folder).map(({ name }) => name)
  test(`${seeds.length + found.length} mutants`, async () => {
    for (const seed of [...seeds, ...found]) {
      for (const question of questions(folder, names, seed, 1)) {
        const { outcome, bug } = await examine(question, () => {})
        expect(bug, `${seed}, ${outcome}`).toBeUndefined()
      }
    }
  }, 60_000)
})

test('goes through all fixtures with its seeds, and then to the next kind of damage', () => {
  const all = questions('folder', ['a', 'b'], 1, 4)
  expect(all.map(({ folder, seed }) => [folder, seed])).toEqual([
    [join('folder', 'a'), 2],
    [join('folder', 'a'), 4],
    [join('folder', 'b'), 1],
    [join('folder', 'b'), 3],
  ])
  const mutations = all.map(({ mutation }) => mutation)
  expect(mutations[0]).toBe(mutations[3])
  expect(new Set(mutations).size).toBe(3)
})
