import { expect, test } from 'vitest'
import { fencesOf } from './fences.mjs'

/** @param {...string} lines */
const documentOf = (...lines) => fencesOf('README.md', lines.join('\n'))

test('finds sh and ts blocks and the line of their first line of code', () => {
  expect(documentOf('# Title', '', '```sh', 'echo 1', 'echo 2', '```', '```ts', 'export {}', '```')).toEqual([
    { file: 'README.md', line: 4, language: 'sh', code: 'echo 1\necho 2', first: '' },
    { file: 'README.md', line: 8, language: 'ts', code: 'export {}', first: '' },
  ])
})

test('ignores other languages, and fences inside them', () => {
  expect(
    documentOf('```console', '$ echo', '```', '```md', '<!-- first: rm x -->', '```', '```tsx', 'a', '```'),
  ).toEqual([])
})

test('reads the file that a block needs', () => {
  expect(documentOf('```ts needs="build/addon.node"', 'x', '```')[0]?.needs).toBe('build/addon.node')
})

test('reads whether a block is slow, outside of quotes', () => {
  const [slow, quick] = documentOf('```ts slow', 'x', '```', '```sh file="a slow walk"', 'y', '```')
  expect([slow?.slow, quick?.slow]).toEqual([true, undefined])
})

test('reads whether a block is for a fresh clone', () => {
  const [clone, other] = documentOf('```sh slow clone', 'x', '```', '```sh skip="in a clone"', 'y', '```')
  expect([clone?.clone, other?.clone]).toEqual([true, undefined])
})

test('reads the reason of a skip', () => {
  expect(documentOf('```sh skip="takes minutes"', 'x', '```')[0]?.skip).toBe('takes minutes')
})

test('reads the file that a block is written to', () => {
  expect(documentOf('```ts file="src/a.ts"', 'x', '```')[0]?.target).toBe('src/a.ts')
})

test('reads commands directly above a block', () => {
  const [fence] = documentOf('<!-- first: a -->', '<!-- first: b -->', '```sh', 'c', '```')
  expect(fence?.first).toBe('a\nb')
})

test('reads what a block prints', () => {
  const [fence] = documentOf('```sh', 'echo 1', '```', '', '```text output', '1', '```')
  expect(fence?.output).toBe('1')
})

test('refuses printed text that no block stands right above', () => {
  expect(() => documentOf('```sh', 'echo 1', '```', 'and', '```text output', '1', '```')).toThrow('README.md:5')
})

test('ignores commands elsewhere', () => {
  const [fence] = documentOf('<!-- first: a -->', 'text', '```sh', 'c', '```')
  expect(fence?.first).toBe('')
})

test('removes the indent of a list item', () => {
  const [fence] = documentOf('1. Do this:', '', '   ```ts', '   if (x) {', '     y()', '   }', '', '   ```', '   after')
  expect(fence?.code).toBe('if (x) {\n  y()\n}\n')
})
