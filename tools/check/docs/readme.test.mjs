import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readJson, root } from '../workspace.mjs'
import { fencesOf } from './fences.mjs'

const text = readFileSync(join(root, 'README.md'), 'utf8')
const [start, ...others] = fencesOf('README.md', text)

test('the README at the root is read in a minute: at most 5 kB next to its table of results', () => {
  const [before = '', table = '', after = ''] = text.split(/(<!-- generated: expect -->[\s\S]*<!-- end of expect -->)/)
  expect(Buffer.byteLength(before + after)).toBeLessThanOrEqual(4400)
  expect(table.split('\n').length).toBeLessThanOrEqual(16)
})

test('the README begins with what to type in a clone: the quickstart and the tests, which are scripts of the root', () => {
  const scripts = start?.code.split('\n').map((line) => /^npm (?:run )?([\w-]+)/.exec(line)?.[1] ?? line)
  expect(scripts).toEqual(['quickstart', 'test'])
  expect(Object.keys(readJson('package.json').scripts)).toEqual(expect.arrayContaining(scripts ?? []))
  expect(text.slice(0, text.indexOf('```')).split('\n').length).toBeLessThan(12)
})

test('every other block of the README is run as it stands, after nothing that a reader does not see', () => {
  expect(others.length).toBeGreaterThan(0)
  expect(others.filter(({ skip, first }) => skip || first)).toEqual([])
  // A search takes minutes.
  expect(others.filter(({ slow }) => slow).map(({ code }) => code.split(' ').slice(0, 3).join(' '))).toEqual([
    'npx tp optimize',
  ])
  expect(text).not.toContain('<!-- first:')
})
