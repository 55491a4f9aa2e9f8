import { type Fixture, fixturesFolder, fixturesIn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { checkArrangements } from './arrangements.ts'
import { checkFixture } from './check.ts'
import { checkDecoderArrangements } from './decoder-arrangements.ts'

/** One of each kind: distances computed in the layers, outputs for every token, less precision, a refusal. */
const names = ['bert-cls-relkey-ts14', 'bert-tok-eager-ts14', 'vit-cls-int8dyn', 'swin-cls-ts17']

describe('the page of coverage', () => {
  const fixtures = fixturesIn(fixturesFolder)
  for (const name of names) {
    const fixture = fixtures.find((candidate) => candidate.name === name)
    if (fixture === undefined) throw new RangeError(`there is no fixture ${name}`)
    test(`${name} is right`, async () => {
      expect((await checkFixture(fixture)).problems).toEqual([])
    }, 60_000)
  }

  const swin = fixtures.find(({ name }) => name === 'swin-cls-ts17')
  if (swin === undefined) return
  test('the page is wrong for a refusal that is not expected, or expected for another reason', async () => {
    const other = (facts: Partial<Fixture['facts']>): Fixture => ({ ...swin, facts: { ...swin.facts, ...facts } })
    expect((await checkFixture(other({ prunable: true }))).problems).toHaveLength(1)
    expect((await checkFixture(other({ refusal: 'causal attention: a decoder' }))).problems).toHaveLength(1)
  })
})

describe('the table of arrangements', () => {
  test('holds an encoder that takes padding on either side to all of them', async () => {
    const fixture = fixturesIn(fixturesFolder).find(({ name }) => name === 'xlm-roberta-meanpool-ts14') as Fixture
    const changes = await checkArrangements(fixture)
    expect(changes.filter(({ wrong, refused }) => wrong ?? refused)).toEqual([])
    expect(changes.find(({ change }) => change === 'pruned')?.arrangements).toEqual([
      'alone',
      'in a batch',
      'padded right',
      'padded left',
    ])
  })

  test('holds a decoder whose prompts are pruned to what it says without padding', async () => {
    const changes = await checkDecoderArrangements('llama')
    expect(changes.filter(({ wrong }) => wrong)).toEqual([])
    expect(changes.find(({ change }) => change === 'prompt pruned')?.arrangements).toEqual([
      'alone',
      'padded right',
      'padded left',
    ])
  })
})
