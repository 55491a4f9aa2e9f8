import { expect, test } from 'vitest'
import { ownFiles, turnsOf } from './check-words.mjs'
import { wordsOfSource } from './wording.mjs'

/** Parts of names that say nothing about a value, and what to call it. */
const names = {
  'given|asked|told|wanted': 'what the value is: options, request, plan, expected …',
  'behind|beside': 'after, last, next to',
  'stays?|stayed|staying|leaver?|leaving': 'kept or pruned',
  'alive|anew|moot|believed|foretold|company': 'the word of docs/concepts.md',
  'towers?|contestants?|entrants?|ladders?|pictures?|quantised?': 'the word of docs/concepts.md',
}

/** Names of other people, and `leaveOut`, which is what the option is called. */
const knownNames = /^keepAlive$|leaveOut/i

/** A test is named by a sentence, or by a verb whose subject is the file. */
const fragment = /^(?:are|is|was|were|has been|have been|been|being|that|of|what|who|whose|whatever)\b/i

const sources = ownFiles(/\.(ts|tsx|mjs|js|jsx)$/).map((path) => ({ path, words: wordsOfSource(path) }))

test('names values by what they are', () => {
  const found = sources.flatMap(({ path, words }) =>
    words.names.flatMap(({ line, text }) => {
      if (knownNames.test(text)) return []
      const parts = text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[ _]+/)
      return Object.entries(names).flatMap(([word, better]) =>
        parts.some((part) => new RegExp(`^(${word})$`, 'i').test(part))
          ? [`${path}:${line} "${text}": say ${better}`]
          : [],
      )
    }),
  )
  expect(found).toEqual([])
})

test('names tests by sentences', () => {
  const found = sources.flatMap(({ path, words }) =>
    words.titles.filter(({ text }) => fragment.test(text)).map(({ line, text }) => `${path}:${line} "${text}"`),
  )
  expect(found).toEqual([])
})

test('gives each exported type a name of its own', () => {
  /** @type {Map<string, string[]>} */
  const declared = new Map()
  for (const { path, words } of sources)
    for (const { line, text } of words.types) declared.set(text, [...(declared.get(text) ?? []), `${path}:${line}`])
  expect([...declared].filter(([, places]) => places.length > 1)).toEqual([])
})

test('finds a turn in a comment, with its line', async () => {
  expect(await turnsOf(['tools/check/words/example.mjs'])).toEqual([
    'tools/check/words/example.mjs:1 is no  => is not a',
  ])
})

test('reads all of the project', () => {
  expect(sources.length).toBeGreaterThan(1200)
  expect(sources.filter(({ words }) => words.names.length > 0).length).toBeGreaterThan(1000)
})
