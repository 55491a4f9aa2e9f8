import { expect, test } from 'vitest'
import { replaceRegion } from './region.mjs'

const text = ['above', '<!-- generated: list -->', 'old', '<!-- end of list -->', 'below'].join('\n')

test('replaces the text between the marks and nothing else', () => {
  const replaced = replaceRegion('README.md', text, 'list', 'new')
  expect(replaced.split('\n')).toEqual([
    'above',
    '<!-- generated: list -->',
    '',
    'new',
    '',
    '<!-- end of list -->',
    'below',
  ])
})

test('changes nothing the second time', () => {
  const once = replaceRegion('README.md', text, 'list', 'new')
  expect(replaceRegion('README.md', once, 'list', 'new')).toBe(once)
})

test.each([
  ['no marks', 'text'],
  ['the end above the beginning', '<!-- end of list -->\n<!-- generated: list -->'],
  ['the region twice', `${text}\n${text}`],
])('refuses %s', (_, wrong) => {
  expect(() => replaceRegion('README.md', wrong, 'list', 'new')).toThrow('README.md: there must be one')
})
