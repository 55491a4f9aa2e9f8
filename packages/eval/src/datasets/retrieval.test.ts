import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { isRetrievalFolder, readRetrieval } from './retrieval.ts'

const own = fileURLToPath(new URL('../../test/retrieval', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tp-retrieval-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A copy of the folder with another file. */
function withFile(name: string, content: string): string {
  const copy = join(folder, `${name.replaceAll(/\W/g, '-')}-${content.length}`)
  cpSync(own, copy, { recursive: true })
  writeFileSync(join(copy, name), content)
  return copy
}

test('reads queries with something to find, and every document with its title', async () => {
  const { texts, queryCount, documents, relevant } = await readRetrieval(own)
  const read = await Promise.all(texts.examples.map((example) => example.read()))
  expect(queryCount).toBe(5)
  expect(documents).toHaveLength(12)
  expect(read).toHaveLength(17)
  expect(read[0]).toBe('How long does green tea have to steep?')
  expect(read[5]).toMatch(/^Green tea Green tea is steeped/)
  expect(read[7]).toMatch(/^Lentils/)
  // q2: the moon (2), and tides (1); a score of 0 is not relevant
  expect(relevant[1]).toEqual([
    { document: 6, gain: 2 },
    { document: 8, gain: 1 },
  ])
  expect(relevant[3]).toEqual([{ document: 4, gain: 1 }])
})

test('takes the judgements that are named, and only the first queries', async () => {
  expect((await readRetrieval(own, { split: 'dev' })).queryCount).toBe(1)
  expect((await readRetrieval(own, { limit: 2 })).relevant).toHaveLength(2)
})

test('is known by its files', async () => {
  expect(await isRetrievalFolder(own)).toBe(true)
  expect(await isRetrievalFolder(join(own, 'qrels'))).toBe(false)
  expect(await isRetrievalFolder(join(own, 'corpus.jsonl'))).toBe(false)
})

describe('refuses, naming the line,', () => {
  test.each([
    [
      'a judgement of no document',
      'qrels/test.tsv',
      'query-id\tcorpus-id\tscore\nq1\tcoffee\t1\n',
      /line 2: judges the document coffee/,
    ],
    [
      'a judgement of no query',
      'qrels/test.tsv',
      'query-id\tcorpus-id\tscore\nq9\ttea\t1\n',
      /line 2: judges the query q9/,
    ],
    ['a judgement without a number', 'qrels/test.tsv', 'q1\ttea\t1\nq1\tsoup\tgood\n', /line 2: is no judgement/],
    ['judgements of trec_eval', 'qrels/test.tsv', 'q1\t0\ttea\t1\n', /line 1: is no judgement/],
    ['nothing relevant', 'qrels/test.tsv', 'q1\ttea\t0\n', /judges no document of a query as relevant/],
    [
      'a name twice',
      'queries.jsonl',
      '{"_id":"q1","text":"a"}\n{"_id":"q1","text":"b"}\n',
      /line 2: has the _id q1 of another/,
    ],
    ['a text without a name', 'queries.jsonl', '{"id":"q1","text":"a"}\n', /need "_id" and "text"/],
  ])('%s', async (_, name, content, message) => {
    await expect(readRetrieval(withFile(name, content))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringMatching(message),
    })
  })

  test('judgements that are not there', async () => {
    const read = readRetrieval(own, { split: 'train' })
    await expect(read).rejects.toThrow(/no judgements train; it has "dev.tsv", "test.tsv"/)
  })
})
