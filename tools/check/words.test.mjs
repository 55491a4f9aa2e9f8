import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
