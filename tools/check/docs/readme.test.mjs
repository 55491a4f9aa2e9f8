import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readJson, root } from '../workspace.mjs'
import { fencesOf } from './fences.mjs'

const text = readFileSync(join(root, 'README.md'), 'utf8')
const fences = fencesOf('README.md', text)
const [start] = fences

test('the README at the root is read in a minute: at most 5 kB with its table of results', () => {
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(5000)
})

test('the README begins with what to type in a clone: the quickstart and the tests, which are scripts of the root', () => {
  const scripts = start?.code.split('\n').map((line) => /^npm (?:run )?([\w-]+)/.exec(line)?.[1] ?? line)
  expect(scripts).toEqual(['quickstart', 'test'])
  expect(Object.keys(readJson('package.json').scripts)).toEqual(expect.arrayContaining(scripts ?? []))
  expect(text.slice(0, text.indexOf('```')).split('\n').length).toBeLessThan(12)
})

test('every block of the README is run as it stands, after nothing that a reader does not see', () => {
  expect(fences.length).toBeGreaterThan(2)
  expect(fences.filter(({ skip, first }) => skip || first)).toEqual([])
  expect(fences.filter(({ clone }) => clone)).toEqual([start])
  // Setting up and a search take minutes.
  expect(fences.filter(({ slow }) => slow).map(({ code }) => code.split(' ').slice(0, 3).join(' '))).toEqual([
    'npm run quickstart',
    'npx tp optimize',
  ])
  expect(text).not.toContain('<!-- first:')
})
