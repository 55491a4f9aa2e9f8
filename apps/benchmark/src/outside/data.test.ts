import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportsPath } from '../files.ts'
import { type DataPart, type OutsideCase, outsideCases } from './cases.ts'
import { dataPath } from './data.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-outside-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await rm(reportsPath('outside/a test'), { recursive: true })
})

const written = async (part: DataPart, name: 'choosing' | 'testing' = 'choosing'): Promise<string> => {
  const one = { ...outsideCases[0], name: 'a test', suite: () => folder } as OutsideCase
  return await readFile((await dataPath(one, name, part)).path, 'utf8')
}

test('divides one table into parts that share no example, the same each time', async () => {
  const rows = Array.from({ length: 50 }, (_, i) => `label${i % 2}\ttext ${i}`)
  await writeFile(join(folder, 'test.tsv'), `label\ttext\n${rows.join('\n')}\n`)
  const first = await written({ files: ['test.tsv'], count: 20 })
  const second = await written({ files: ['test.tsv'], from: 20 }, 'testing')
  const [choosing, testing] = [first, second].map((text) => text.trimEnd().split('\n'))
  expect([choosing?.[0], testing?.[0]]).toEqual(['label\ttext', 'label\ttext'])
  expect([...(choosing ?? []).slice(1), ...(testing ?? []).slice(1)].toSorted()).toEqual(rows.toSorted())
  expect(choosing?.slice(1)).not.toEqual(rows.slice(0, 20))
  expect(await written({ files: ['test.tsv'], count: 20 })).toBe(first)
})

test('keeps candidates of a query together, and sentences of tags whole', async () => {
  await writeFile(join(folder, 'a.tsv'), 'question\tanswer\tlabel\nq1\ta\t1\nq1\tb\t0\n')
  await writeFile(join(folder, 'b.tsv'), 'question\tanswer\tlabel\nq2\tc\t0\n')
  const both = await written({ files: ['a.tsv', 'b.tsv'], isGrouped: true })
  expect(both).toBe('question\tanswer\tlabel\nq1\ta\t1\nq1\tb\t0\nq2\tc\t0\n')
  await writeFile(join(folder, 'tags.tsv'), 'A\tO\nB\tB-x\n\nC\tO\n')
  const tags = await written({ files: ['tags.tsv'], isTagged: true })
  expect(tags.trimEnd().split('\n\n').toSorted()).toEqual(['A\tO\nB\tB-x', 'C\tO'])
})

test('reads only the words where tags are of another kind than the model’s', async () => {
  await writeFile(join(folder, 'tags.tsv'), 'A\tO\nB\tB-x\n\nC\tO\n')
  const text = await written({ files: ['tags.tsv'], isTagged: true, isUntagged: true })
  expect(text.trimEnd().split('\n').toSorted()).toEqual(['A B', 'C', 'text'])
})

test('pools the first candidates of some queries as one collection, with the judgments of these', async () => {
  await mkdir(join(folder, 'qrels'), { recursive: true })
  await writeFile(join(folder, 'corpus.jsonl'), ['a', 'b', 'c'].map((_id) => JSON.stringify({ _id })).join('\n'))
  await writeFile(join(folder, 'queries.jsonl'), '{"_id":"1"}\n{"_id":"2"}\n')
  await writeFile(join(folder, 'qrels', 'test.tsv'), 'query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t1\n')
  await writeFile(join(folder, 'candidates.tsv'), 'query-id\tcorpus-id\n1\ta\n1\tb\n2\tc\n2\ta\n')
  const one = { ...outsideCases[0], name: 'a test', suite: () => folder } as OutsideCase
  const { path } = await dataPath(one, 'testing', { folder: '.', top: 1, pooled: 1 })
  expect(await readFile(join(path, 'corpus.jsonl'), 'utf8')).toBe('{"_id":"a"}\n')
  expect(await readFile(join(path, 'queries.jsonl'), 'utf8')).toBe('{"_id":"1"}\n')
  expect(await readFile(join(path, 'qrels', 'test.tsv'), 'utf8')).toBe('query-id\tcorpus-id\tscore\n1\ta\t1\n')
})

test('takes what the choice of one case leaves for its test', () => {
  for (const { choosing, testing } of outsideCases) {
    if (choosing === undefined || 'folder' in choosing || 'folder' in testing) continue
    const own = (part: DataPart): string => ('images' in part ? part.images : 'files' in part ? part.files.join() : '')
    const isShared = own(choosing) === own(testing)
    const from = 'from' in testing ? (testing.from ?? 0) : 0
    expect(!isShared || from >= (choosing.count ?? Number.POSITIVE_INFINITY)).toBe(true)
  }
})
