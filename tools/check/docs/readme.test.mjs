import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readJson, root } from '../workspace.mjs'
import { fencesOf } from './fences.mjs'

const text = readFileSync(join(root, 'README.md'), 'utf8')
const [start, ...others] = fencesOf('README.md', text)

test('the README at the root is read in a minute: at most 5 kB', () => {
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(5000)
})

test('the README begins with what to type in a clone: the quickstart and the tests, which are scripts of the root', () => {
  const scripts = start?.code.split('\n').map((line) => /^npm (?:run )?([\w-]+)/.exec(line)?.[1] ?? line)
  expect(scripts).toEqual(['quickstart', 'test'])
  expect(Object.keys(readJson('package.json').scripts)).toEqual(expect.arrayContaining(scripts ?? []))
  expect(text.slice(0, text.indexOf('```')).split('\n').length).toBeLessThan(12)
})

test('every other block of the README is run as it stands, after nothing that a reader does not see', () => {
  expect(others.length).toBeGreaterThan(0)
  expect(others.filter(({ skip, slow, first }) => skip || slow || first)).toEqual([])
  expect(text).not.toContain('<!-- first:')
})
