import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readTaggedTsv } from '@tp/data'
import { expect, test } from 'vitest'
import { conversion } from '../../test/conversion.ts'
import { answerable, scoredPairs, spokenSentences, tables, taggedWords } from './convert.ts'

const made = conversion()

test('renames columns, and keeps questions with right and wrong answers', async () => {
  const csv = 'qtext,label,atext\nwho?,1,"me, ""I"""\nwho?,0,you\nwhy?,0,because\n'
  await writeFile(join(made.checkout, 'in.csv'), csv)
  const columns = { question: 'qtext', answer: 'atext', label: 'label' }
  await tables({ 'x.tsv': 'in.csv' }, { delimiter: ',', columns, choose: answerable })(made.checkout, made.suite)
  expect(await made.text('x.tsv')).toBe('question\tanswer\tlabel\nwho?\tme, "I"\t1\nwho?\tyou\t0\n')
})

test('leaves out pairs without a score', async () => {
  await writeFile(join(made.checkout, 'a.tsv'), '3.5\tone\ttwo\n\tthree\tfour\n')
  await writeFile(join(made.checkout, 'b.tsv'), '1\tfive\tsix\n')
  await scoredPairs({ 'x.tsv': ['a.tsv', 'b.tsv'] })(made.checkout, made.suite)
  expect(await made.text('x.tsv')).toBe('score\tsentence1\tsentence2\n3.5\tone\ttwo\n1\tfive\tsix\n')
})

test('separates sentences by one empty line', async () => {
  await writeFile(join(made.checkout, 'a.conll'), 'Ann\tB-person\nsleeps\tO\n\t\n\t\n\nWhy\tO\n')
  await taggedWords({ 'x.tsv': 'a.conll' })(made.checkout, made.suite)
  const { sentences } = await readTaggedTsv(join(made.suite, 'x.tsv'), { labels: ['O', 'B-person'] })
  expect(sentences.map(({ words, tags }) => [words, tags])).toEqual([
    [
      ['Ann', 'sleeps'],
      [1, 0],
    ],
    [['Why'], [0]],
  ])
})

test('writes transcripts next to the recordings that a list names, and copies no others', async () => {
  for (const name of ['a.wav', 'b.wav']) await writeFile(join(made.checkout, name), name)
  const own = { language: 'de', audio_file: 'a.wav', transcript: 'ja', transcript_with_punctuation: 'Ja.' }
  await writeFile(join(made.checkout, 'list.json'), JSON.stringify({ tests: { language_tests: [own] } }))
  await spokenSentences('list.json', '.')(made.checkout, made.suite)
  expect(await made.text('transcripts.tsv')).toBe('a.wav\tJa.\tde\n')
  expect(await readdir(made.suite)).toEqual(['a.wav', 'transcripts.tsv'])
})
