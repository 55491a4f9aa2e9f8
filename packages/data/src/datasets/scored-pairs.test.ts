import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { readPairs } from './pairs.ts'
import { readScoredPairs } from './scored-pairs.ts'

const { write: file } = testFolder()

test('reads two texts and a score without a header: the column of numbers is the score', async () => {
  const pairs = await readScoredPairs(fileURLToPath(new URL('../../test/retrieval/pairs.csv', import.meta.url)))
  expect(pairs?.scores).toEqual([5, 3.2, 0.4, 4.6, 2.5, 0])
  const texts = await Promise.all(pairs?.texts.examples.map((example) => example.read()) ?? [])
  expect(texts[1]).toBe('Rain falls, and it is cold.')
  expect(texts[7]).toBe('It is raining.')
})

test('finds the columns by a header, as GLUE has them', async () => {
  const header = 'index\tgenre\tsentence1\tsentence2\tscore\n'
  const rows = [1, 2, 3].map((i) => `${i}\tnews\tfirst ${i}\tsecond ${i}\t${i / 2}`).join('\n')
  expect((await readScoredPairs(file('glue.tsv', header + rows)))?.scores).toEqual([0.5, 1, 1.5])
  const lines = [1, 2, 3].map((score) => JSON.stringify({ sentence1: 'a', sentence2: 'b', similarity_score: score }))
  expect((await readScoredPairs(file('mteb.jsonl', lines.join('\n')), 3))?.scores).toEqual([1, 2, 3])
})

test.each([
  ['text', 'text_pair'],
  ['query', 'document'],
  ['question1', 'question2'],
  ['sentence_a', 'sentence_b'],
])('knows the columns %s and %s, as tables for rerankers do', async (first, second) => {
  const path = file(`${first}.csv`, `${first},${second},score\na,b,1\nc,d,2\ne,f,3\n`)
  expect((await readScoredPairs(path))?.scores).toEqual([1, 2, 3])
  expect((await readPairs(path))?.examples).toHaveLength(3)
})

test('leaves texts and labeled texts to others', async () => {
  const entailed = 'premise,hypothesis,label\na,b,neutral\nc,d,entailment\ne,f,neutral\n'
  expect(await readScoredPairs(file('nli.csv', entailed))).toBeUndefined()
  expect(await readScoredPairs(file('texts.tsv', 'one text\nanother\n'))).toBeUndefined()
  expect(await readScoredPairs(file('labels.tsv', 'label\ttext\n1\tgood\n0\tbad\n'))).toBeUndefined()
})

test('refuses a score that is no number', async () => {
  const path = file('bad.csv', 'sentence1,sentence2,score\na,b,1\nc,d,two\ne,f,3\n')
  await expect(readScoredPairs(path)).rejects.toThrow(/line 3: its score is "two", no number/)
})

test('refuses scores that are all the same', async () => {
  const path = file('same.tsv', 'sentence1\tsentence2\tscore\none\ttwo\t3\nthree\tfour\t3\nfive\tsix\t3.0\n')
  await expect(readScoredPairs(path)).rejects.toThrow(/has the score 3 for each of 3 pairs, which puts none before/)
})
