import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTaggedTsv } from '@tp/data'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answerable, scoredPairs, spokenSentences, tables, taggedWords } from './convert.ts'

let folder: string
let out: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-suites-'))
  out = join(folder, 'out')
  await mkdir(out)
})

afterEach(() => rm(folder, { recursive: true }))

test('renames columns, and keeps questions with right and wrong answers', async () => {
  const csv = 'qtext,label,atext\nwho?,1,"me, ""I"""\nwho?,0,you\nwhy?,0,because\n'
  await writeFile(join(folder, 'in.csv'), csv)
  const columns = { question: 'qtext', answer: 'atext', label: 'label' }
  await tables({ 'x.tsv': 'in.csv' }, { delimiter: ',', columns, choose: answerable })(folder, out)
  expect(await text('x.tsv')).toBe('question\tanswer\tlabel\nwho?\tme, "I"\t1\nwho?\tyou\t0\n')
})

test('leaves out pairs without a score', async () => {
  await writeFile(join(folder, 'a.tsv'), '3.5\tone\ttwo\n\tthree\tfour\n')
  await writeFile(join(folder, 'b.tsv'), '1\tfive\tsix\n')
  await scoredPairs({ 'x.tsv': ['a.tsv', 'b.tsv'] })(folder, out)
  expect(await text('x.tsv')).toBe('score\tsentence1\tsentence2\n3.5\tone\ttwo\n1\tfive\tsix\n')
})

test('separates sentences by one empty line', async () => {
  await writeFile(join(folder, 'a.conll'), 'Ann\tB-person\nsleeps\tO\n\t\n\t\n\nWhy\tO\n')
  await taggedWords({ 'x.tsv': 'a.conll' })(folder, out)
  const { sentences } = await readTaggedTsv(join(out, 'x.tsv'), { labels: ['O', 'B-person'] })
  expect(sentences.map(({ words, tags }) => [words, tags])).toEqual([
    [
      ['Ann', 'sleeps'],
      [1, 0],
    ],
    [['Why'], [0]],
  ])
})

test('writes transcripts next to the recordings that a list names, and copies no others', async () => {
  for (const name of ['a.wav', 'b.wav']) await writeFile(join(folder, name), name)
  const own = { language: 'de', audio_file: 'a.wav', transcript: 'ja', transcript_with_punctuation: 'Ja.' }
  await writeFile(join(folder, 'list.json'), JSON.stringify({ tests: { language_tests: [own] } }))
  await spokenSentences('list.json', '.')(folder, out)
  expect(await text('transcripts.tsv')).toBe('a.wav\tJa.\tde\n')
  expect(await readdir(out)).toEqual(['a.wav', 'transcripts.tsv'])
})

function text(name: string): Promise<string> {
  return readFile(join(out, name), 'utf8')
}
