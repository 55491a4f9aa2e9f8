import { expect, test } from 'vitest'
import { sentenceSet, sentenceSets } from './data.ts'

test.each(sentenceSets)('has 500 sentences of either kind in %s', async (name) => {
  const { examples } = await sentenceSet(name)
  expect(examples.filter(({ label }) => label === 0)).toHaveLength(500)
  expect(examples.filter(({ label }) => label === 1)).toHaveLength(500)
  for (const example of examples) expect(await example.read()).toMatch(/\S/)
})

test('labels praise as positive', async () => {
  const { examples } = await sentenceSet('amazon')
  const texts = await Promise.all(examples.map((example) => example.read()))
  expect(examples[texts.indexOf('Good case, Excellent value.')]?.label).toBe(1)
})
