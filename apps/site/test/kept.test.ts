import { expect, test } from 'vitest'
import file from '../src/methods/kept/kept.json' with { type: 'json' }
import { keptFigure } from '../src/methods/kept/kept.ts'
import { isShown, measureKept } from '../src/methods/kept/measure.ts'
import { methodEntries } from '../src/methods/method-pages.ts'

test('the page of every method that needs no trained values shows what it keeps', () => {
  const without = methodEntries.filter(isShown)
  expect(without.length).toBeGreaterThan(25)
  expect(without.map(({ name }) => name).filter((name) => keptFigure(name) === undefined)).toEqual([])
  expect(keptFigure('sdtp')).toBeUndefined()
})

test('the figure has all words of the mail, and all patches of the digit', () => {
  const words = keptFigure('received-attention')?.match(/<span class="kept-(?:end|[0-3])"/g)
  expect(words).toHaveLength(file.words.length)
  expect(keptFigure('tome')?.match(/<svg /g)).toHaveLength(2)
})

// Those of one method of each kind every day: each is a process of its own.
test.each([
  ['truncate', 'text'],
  ['quasi-random', 'image'],
] as const)('%s keeps of the %s what is written down', { timeout: 60_000 }, async (name, kind) => {
  const { words, ...kept } = await measureKept(name, kind)
  expect(kept).toEqual(file.methods[name])
  expect(words).toEqual(kind === 'text' ? file.words : undefined)
})
