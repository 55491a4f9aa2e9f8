import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { wordsOfPage, wordsOfSource } from './wording.mjs'
import { root } from './workspace.mjs'

/** Words that docs/concepts.md has another for: what is found, and what to say. */
const instead = {
  '\\w*towers?\\b': 'encoder',
  '\\w*contestants?\\b': 'candidate, variant or baseline',
  '\\bentrants?\\b': 'candidate, variant or baseline',
  '\\bladders?\\b': 'sweep',
  '\\bbelieved ?loss': 'expected loss',
  '\\bforetell|\\bforetold': 'predict',
  '\\bmoot\\b': 'no-op site',
  '\\balive (tokens?|mask)|tokens? (is|are) alive': 'attended',
  "(?<!['</])\\bpictures?\\b": 'image', // but for the element of HTML
  '\\banew\\b': 'again, or nothing',
  '\\bits like\\b': 'the word for it',
  '\\bthat is none\\b': 'no, without or invalid',
  '\\bgives? (on (that|and)|out)\\b': 'output, return or produce',
  '\\b(transformer|attention|encoder) blocks?\\b': 'layer',
  '\\bblocks? \\d': 'layer',
  '\\bbeside\\b': 'next to, alongside, or compared with',
  '\\b(behind|in front of) ((the|a|an|each|every|this|that|last|first|earlier|later) )*(cut|layer|attention|site|norm|token|head|pruning|stream|count|block)s?\\b':
    'downstream of, upstream of, after or before',
  '\\btokens? (that )?(leaves?|stays?|left|stayed|leaving|staying)\\b': 'pruned or kept tokens',
  '\\bthis is no JSON\\b': 'invalid JSON',
  '(quantis|normalis|tokenis|optimis(e|ation)|serialis|initialis|summaris|generalis|(?<!aria-)labelled|colour|behaviour|judgement|\\bgrey|\\bcentre)':
    'American spelling',
}

/** Data, generated results and histories are kept as they are; licenses and this list have words of their own. */
const exempt =
  /(^|\/)(fixtures|golden|CHANGELOG\.md|LICENSE|THIRD-PARTY\S*)|^docs\/(results|coverage|fuzz|demo)|^etc\/|^packages\/models\/|pnpm-lock|words\.test\.mjs$/

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => /\.(ts|tsx|mjs|js|jsx|md|html|cc|h|json)$/.test(path) && !exempt.test(path))

test('says nothing in words that docs/concepts.md has another for', () => {
  const found = files.flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .flatMap((line, i) =>
        Object.entries(instead).flatMap(([word, better]) => {
          const [seen] = new RegExp(word, 'i').exec(line) ?? []
          return seen === undefined ? [] : [`${path}:${i + 1} "${seen}": say ${better}`]
        }),
      ),
  )
  expect(found).toEqual([])
})

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

const beginning = '(?:^|[.!?:;][)"’]?\\s+)'

/** Turns at which a native reader stumbles, in comments, messages, names of tests and pages. */
const turns = {
  [`${beginning}(?:What|Whatever|Who|Whoever|Whose)\\s+(?!to\\b)[^.?!]*(?:[.:]\\s|[.:]?$)`]:
    'begin with a noun, not with "What"',
  [`${beginning}Of (?:a|an|each|every|which|what)\\s`]: 'subject, verb, object; no "Of a …" in front',
  '(?<!\\b[tT]here )\\b(?:is|are|was|were|be) no (?!longer\\b|more\\b|less\\b|better\\b|worse\\b|one\\b|matter\\b|\\w+er\\b)\\w+':
    'is not a …',
  '\\b(?:is|are|was|were|be|been|being) (?:not |never |also |only )?(?:said|told|asked)\\b(?! (?:apart|from)\\b)':
    'the active voice',
}

/** A test is named by a sentence, or by a verb whose subject is the file. */
const fragment = /^(?:are|is|was|were|has been|have been|been|being|that|of|what|who|whose|whatever)\b/i

const sources = files
  .filter((path) => /\.(ts|tsx|mjs|js|jsx)$/.test(path))
  .map((path) => ({ path, words: wordsOfSource(path) }))
const pages = files.filter((path) => path.endsWith('.md')).map((path) => ({ path, prose: wordsOfPage(path) }))

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

test('writes subject, verb and object', () => {
  const prose = [...pages, ...sources.map(({ path, words }) => ({ path, prose: words.prose }))]
  const found = prose.flatMap(({ path, prose }) =>
    prose.flatMap(({ line, text }) =>
      Object.entries(turns).flatMap(([turn, better]) => {
        const [seen] = new RegExp(turn).exec(text.replace(/`[^`]*`/g, 'X')) ?? []
        return seen === undefined ? [] : [`${path}:${line} "${seen.trim().slice(0, 80)}": ${better}`]
      }),
    ),
  )
  expect(found).toEqual([])
})

test('finds each turn in a sentence that has it, and reads all of the project', () => {
  const examples = [
    'What learns is rounded.',
    'Of a text the mean counts.',
    'This is no plan.',
    'The layer is said to be last.',
  ]
  expect(Object.keys(turns).map((turn, i) => new RegExp(turn).test(/** @type {string} */ (examples[i])))).toEqual(
    Object.keys(turns).map(() => true),
  )
  expect(sources.length).toBeGreaterThan(1500)
  expect(sources.filter(({ words }) => words.names.length > 0).length).toBeGreaterThan(1200)
  expect(pages.length).toBeGreaterThan(60)
})
