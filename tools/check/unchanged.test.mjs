import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { keepOutcomes, keptOutcomes, keysOfTests } from './unchanged.mjs'
import { root, workspacePackages } from './workspace.mjs'

test('every package with tests has a key, and no two the same', { timeout: 60_000 }, async () => {
  const keys = await keysOfTests()
  const tested = workspacePackages().filter(({ manifest }) => manifest.scripts?.test)
  expect(Object.keys(keys)).toEqual(expect.arrayContaining(tested.map(({ manifest }) => manifest.name)))
  expect(new Set(Object.values(keys)).size).toBe(Object.keys(keys).length)
})

test('outcomes are kept for what was read, and for nothing else', () => {
  onTestFinished(() => rmSync(join(root, 'node_modules/.cache/tp-tests/a+trial.json')))
  const kept = { key: '1', outcomes: [{ name: 'a', state: /** @type {const} */ ('passed') }], slow: 2 }
  keepOutcomes('a/trial', kept)
  expect(keptOutcomes('a/trial', '1')).toEqual(kept)
  expect(keptOutcomes('a/trial', '2')).toBeUndefined()
  expect(keptOutcomes('a/trial', undefined)).toBeUndefined()
  expect(keptOutcomes('another', '1')).toBeUndefined()
})
