import { describe, expect, test } from 'vitest'
import { type ClauseSplit, clauseData } from './clause-data.ts'
import { embeddedModel } from './embedded-models.ts'

const sizes: Readonly<Record<ClauseSplit, number>> = { train: 2007, dev: 352, calibration: 301, test: 842 }

describe('clauseData', () => {
  const splits = Object.entries(sizes).map(([name, size]) => ({
    name,
    size,
    passages: clauseData(name as ClauseSplit),
  }))

  test.each(splits)('$name has $size passages of all classes', ({ passages, size }) => {
    expect(passages).toHaveLength(size)
    const labels = embeddedModel('clauses').labels.map((_, label) => label)
    expect([...new Set(passages.map(({ label }) => label))].sort()).toEqual(labels)
  })

  test('has no passage twice in any split', () => {
    const texts = splits.flatMap(({ passages }) => passages.map(({ text }) => text))
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('has passages of 300 words, but for contracts that are shorter', () => {
    const words = splits.flatMap(({ passages }) => passages.map(({ text }) => text.split(' ').length))
    expect(Math.max(...words)).toBe(300)
    expect(words.filter((count) => count < 300).length).toBeLessThan(0.01 * words.length)
  })
})
