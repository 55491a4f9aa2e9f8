import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Codes that the sources of a package give. */
function codesIn(folder: URL): Set<string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  return new Set(
    files.flatMap((name) => readFileSync(new URL(name, folder), 'utf8').match(/(?<=')TP_[A-Z_]+(?=')/g) ?? []),
  )
}

test('the README lists every code that this package gives, and none that nothing gives', () => {
  const own = codesIn(new URL('../src/', import.meta.url))
  const core = codesIn(new URL('../../core/src/', import.meta.url))
  const listed = new Set(readFileSync(new URL('../README.md', import.meta.url), 'utf8').match(/TP_[A-Z_]+/g))
  expect([...own].filter((code) => !listed.has(code))).toEqual([])
  expect([...listed].filter((code) => !own.has(code) && !core.has(code))).toEqual([])
})
