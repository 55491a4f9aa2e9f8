import { expect, test } from 'vitest'
import { printedInMarkdown } from './markdown.mjs'

/** @param {...string} lines */
const printed = (...lines) => printedInMarkdown('a.md', lines.join('\n'))

test('finds blocks for a shell, and says which of them the documents test runs', () => {
  expect(printed('```sh', 'tp doctor', '```', '```sh skip="why"', 'npm test', '```', '```ts', 'x', '```')).toEqual([
    { at: 'a.md:2', text: 'tp doctor', form: 'block', isRun: true },
    { at: 'a.md:5', text: 'npm test', form: 'block', isRun: false },
  ])
})

test('finds indented lines', () => {
  expect(printed('Then:', '', '    npm run benchmark    # all', '    other text').map(({ text }) => text)).toEqual([
    'npm run benchmark    # all',
  ])
})

test('reads of a session what is typed, with or without a prompt', () => {
  expect(printed('```console', '$ tp doctor \\', '  --json', 'node  20', '```')[0]?.text).toBe('tp doctor \\\n  --json')
  expect(printed('```console', 'tp doctor', 'tp methods', '```')[0]?.text).toBe('tp doctor\ntp methods')
  expect(printed('```console', 'received-attention 0.5: 15 of 59', '```')).toEqual([])
})

test('finds commands of ours in lines of text', () => {
  const line = '`tp check` and `npm test -- help`, not `keep`; `npx vitest -t <name>`'
  expect(printed(line).map(({ text }) => text)).toEqual(['tp check', 'npm test -- help', 'npx vitest -t name'])
})
