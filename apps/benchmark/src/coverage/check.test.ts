import { join } from 'node:path'
import { type Fixture, fixturesIn, sharedFolder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { checkFixture } from './check.ts'

/** One of each kind: distances computed in the layers, outputs for every token, less precision, a refusal. */
const names = ['bert-cls-relkey-ts14', 'bert-tok-eager-ts14', 'vit-cls-int8dyn', 'swin-cls-ts17']

describe('the page of coverage', () => {
  const fixtures = fixturesIn(join(sharedFolder, 'fixtures'))
  for (const name of names) {
    const fixture = fixtures.find((candidate) => candidate.name === name)
    if (fixture === undefined) {
      test.skip(`${name} (skipped: there is no folder of shared fixtures)`, () => {})
      continue
    }
    test(`${name} is right`, async () => {
      expect((await checkFixture(fixture)).problems).toEqual([])
    }, 60_000)
  }

  const swin = fixtures.find(({ name }) => name === 'swin-cls-ts17')
  if (swin === undefined) return
  test('is wrong for a refusal that is not expected, or expected for another reason', async () => {
    const other = (facts: Partial<Fixture['facts']>): Fixture => ({ ...swin, facts: { ...swin.facts, ...facts } })
    expect((await checkFixture(other({ prunable: true }))).problems).toHaveLength(1)
    expect((await checkFixture(other({ refusal: 'causal attention: a decoder' }))).problems).toHaveLength(1)
  })
})
