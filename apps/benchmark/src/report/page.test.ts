import { expect, test } from 'vitest'
import { regionText, withRegion } from './page.ts'

const page = `# Measured

An opening.

## One: a title

<!-- measured: one -->

| a |

<!-- end of one -->

A remark of a person.

## Two
`

test('replaces a region and keeps the text around it', () => {
  const other = withRegion(page, 'one', '| b |')
  expect(other).toBe(page.replace('| a |', '| b |'))
  expect(withRegion(other, 'one', '| a |')).toBe(page)
})

test('adds a region that the page does not have at the end', () => {
  const other = withRegion(page, 'three', '| c |')
  expect(other.startsWith(page)).toBe(true)
  expect(other).toContain('## three\n\n<!-- measured: three -->\n\n| c |\n\n<!-- end of three -->\n')
  expect(withRegion(other, 'three', '| d |')).toBe(other.replace('| c |', '| d |'))
})

test('shows tables, then where the numbers come from', () => {
  const text = regionText({
    tables: [{ caption: 'Two numbers', headings: ['a', 'b'], rows: [['1', '2']] }],
    values: [],
    date: '2026-11-27T10:00:00Z',
    seconds: 3.2,
    machine: 'a machine',
    versions: 'v1',
  })
  expect(text).toBe(
    'Two numbers.\n\n| a | b |\n| --: | --: |\n| 1 | 2 |\n\n*Measured 2026-11-27 in 3 s: a machine, v1.*',
  )
})
