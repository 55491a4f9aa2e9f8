import { expect, test } from 'vitest'
import { fixturesFolder, fixturesIn } from '../exported-encoders/dist/index.js'
import { checkExport } from './check.mjs'

const fixtures = fixturesIn(fixturesFolder)
const encoder = fixtures.find(({ facts }) => facts.architecture === 'bert' && facts.prunable && !facts.external)
const refused = fixtures.find(({ facts }) => !facts.prunable)
if (encoder === undefined || refused === undefined) throw new Error('no recorded exports')

test('finds nothing wrong with an export that is pruned as it should be', async () => {
  const { difference, problem } = await checkExport(encoder)
  expect(problem).toBeUndefined()
  expect(difference).toBeLessThan(1e-5)
})

test('finds nothing wrong with a refusal that is expected', async () => {
  expect(await checkExport(refused)).toEqual({ refusal: expect.stringMatching(/^TP_\w+: /) })
})

test.each([
  [
    'a model that should be pruned is refused',
    { ...refused, facts: { ...refused.facts, prunable: true } },
    'is refused: ',
  ],
  [
    'a model that should be refused is pruned',
    { ...encoder, facts: { ...encoder.facts, prunable: false } },
    'is not refused',
  ],
  [
    'layers are missing',
    { ...encoder, facts: { ...encoder.facts, layers: 99 } },
    `has ${encoder.facts.layers} sites in 99 layers`,
  ],
])('names the fault if %s', async (_, fixture, problem) => {
  expect((await checkExport(fixture)).problem).toContain(problem)
})
