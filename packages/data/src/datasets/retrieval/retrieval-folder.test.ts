import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { testFolder } from '../../../test/folder.ts'
import { openDataset } from '../open-dataset.ts'
import { readCandidates } from './candidates.ts'
import { readJudgments } from './judgments.ts'
import { readRetrievalFolder } from './retrieval-folder.ts'

const { folder } = testFolder()
const file = (name: string, lines: readonly string[]): Promise<void> =>
  writeFile(join(folder, name), `${lines.join('\n')}\n`)
beforeAll(async () => {
  await mkdir(join(folder, 'qrels'))
  await file('corpus.jsonl', [
    '{"_id": "d1", "title": "Owls", "text": "hunt at night", "metadata": {}}',
    '{"_id": "d2", "title": "", "text": "Bees make honey"}',
    '{"_id": "d3", "title": "Cats", "text": "sleep"}',
  ])
  await file('queries.jsonl', ['{"_id": "q1", "text": "honey"}', '{"_id": "q2", "text": "night birds"}'])
  await file('qrels/test.tsv', ['query-id\tcorpus-id\tscore', 'q2\td1\t2', 'q1\td2\t1', 'q1\td3\t0'])
  await file('qrels/dev.tsv', ['query-id\tcorpus-id\tscore', 'q1\td2\t1'])
  await file('run.trec', ['q1 Q0 d3 1 0.2 bm25', 'q1 Q0 d2 2 0.9 bm25', 'q2 Q0 d3 1 0.5 bm25'])
})
test('candidates become pairs of query and document, in the order of the first stage', async () => {
  const data = await readRetrievalFolder(folder, { candidates: join(folder, 'run.trec') })
  const pairs = await Promise.all(data.examples.map(async ({ read, pair, label }) => [await read(), pair, label]))
  expect(pairs).toEqual([
    ['night birds', 'Cats sleep', 0],
    ['honey', 'Bees make honey', 1],
    ['honey', 'Cats sleep', 0],
  ])
  // A relevant document that was not found still counts among those that were judged.
  expect(data.ranking).toEqual({ queries: [0, 1, 1], relevance: [0, 1, 0], judged: [[2], [1, 0]] })
})

test('the split, the depth and the number of queries can be chosen', async () => {
  const options = { candidates: join(folder, 'run.trec') }
  const dev = await readRetrievalFolder(folder, { ...options, split: 'dev', top: 1 })
  expect(dev.examples.map(({ pair }) => pair)).toEqual(['Bees make honey'])
  expect((await readRetrievalFolder(folder, { ...options, limit: 1 })).examples).toHaveLength(1)
  await expect(readRetrievalFolder(folder, { ...options, split: 'train' })).rejects.toThrow(
    'has no train.tsv; it holds "dev", "test"',
  )
})

test('openDataset knows such a folder, and asks for candidates', async () => {
  await expect(openDataset(folder)).rejects.toThrow('give what a first stage found for each query')
  const { modality } = await openDataset(folder, { candidates: join(folder, 'run.trec') })
  expect(modality).toBe('text')
})

test('refuses options that the data have no use for', async () => {
  const candidates = join(folder, 'run.trec')
  await expect(openDataset(folder, { candidates, textColumn: 'text' })).rejects.toMatchObject({ code: 'TP_OPTION' })
  await file('table.tsv', ['label\ttext', '0\tone', '1\ttwo'])
  await expect(openDataset(join(folder, 'table.tsv'), { candidates })).rejects.toMatchObject({ code: 'TP_OPTION' })
})

test('runs and judgments are read as TREC and BEIR write them', async () => {
  await file('run.tsv', ['query-id\tcorpus-id\tscore', 'q1\td2\t0.1', 'q1\td1\t0.2'])
  expect([...(await readCandidates(join(folder, 'run.tsv')))]).toEqual([['q1', ['d2', 'd1']]])
  await file('trec.qrels', ['q1 0 d2 1', 'q1 0 d9 -2'])
  expect((await readJudgments(join(folder, 'trec.qrels'))).get('q1')).toEqual(
    new Map([
      ['d2', 1],
      ['d9', 0],
    ]),
  )
})

test('names the line that is wrong', async () => {
  await file('bad.tsv', ['query-id\tcorpus-id\tscore', 'q1\td2\tyes'])
  await expect(readJudgments(join(folder, 'bad.tsv'))).rejects.toThrow('line 2: has the relevance "yes"')
  await file('bad.run', ['q1 Q0 d9 1 0.2 x'])
  await expect(readRetrievalFolder(folder, { candidates: join(folder, 'bad.run') })).rejects.toThrow(
    'names the document d9, which is not in the corpus',
  )
  await file('twice.run', ['q1 Q0 d2 1 0.9 x', 'q1 Q0 d2 2 0.8 x'])
  await expect(readCandidates(join(folder, 'twice.run'))).rejects.toThrow(
    'line 2: names a document that an earlier line of the query names',
  )
  await file('empty.tsv', ['query-id\tcorpus-id\tscore', 'q1\td2\t'])
  await expect(readJudgments(join(folder, 'empty.tsv'))).rejects.toThrow('line 2: has the relevance ""')
  await file('short.run', ['q1'])
  await expect(readCandidates(join(folder, 'short.run'))).rejects.toThrow('line 1: has 1 columns')
})
