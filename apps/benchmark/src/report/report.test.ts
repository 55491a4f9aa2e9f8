import { expect, test } from 'vitest'
import { sectionsOf } from './report.ts'

test('a page is taken apart into its sections, and is the same put together again', () => {
  const parts = [
    '# Measured\n\nAn opening.',
    '## One: a title\n\n| a |\n| --- |\n| 1 |',
    '## Two\n\nA note, ## with signs.',
  ]
  const sections = sectionsOf(`${parts.join('\n\n')}\n`)
  expect([...sections.keys()]).toEqual(['One: a title', 'Two'])
  expect([parts[0], ...sections.values()].join('\n\n')).toBe(parts.join('\n\n'))
})

test('no page has no sections', () => {
  expect(sectionsOf('')).toEqual(new Map())
})
