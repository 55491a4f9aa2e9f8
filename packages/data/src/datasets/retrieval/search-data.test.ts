import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../../test/folder.ts'
import { readSearchData } from './search-data.ts'

const own = fileURLToPath(new URL('../../../test/retrieval', import.meta.url))
const { folder } = testFolder()

/** A copy of the folder with another file. */
function withFile(name: string, content: string): string {
  const copy = join(folder, `${name.replaceAll(/\W/g, '-')}-${content.length}`)
  cpSync(own, copy, { recursive: true })
  writeFileSync(join(copy, name), content)
  return copy
}

test('reads queries with something to find, and every document with its title', async () => {
  const { texts, queryCount, documents, relevant } = await readSearchData(own)
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

test('reads titles and texts of documents whatever the first document has', async () => {
  const lines = readFileSync(join(own, 'corpus.jsonl'), 'utf8').trimEnd().split('\n')
  const [first = '', ...others] = lines
  const { title, text, ...rest } = JSON.parse(first)
  const readWith = async (own: object): Promise<string[]> => {
    const { texts } = await readSearchData(withFile('corpus.jsonl', [JSON.stringify(own), ...others].join('\n')))
    return await Promise.all(texts.examples.slice(5).map(async (example) => (await example.read()) as string))
  }
  const all = await readWith({ ...rest, title, text })
  expect(await readWith({ ...rest, text })).toEqual([text, ...all.slice(1)])
  expect(await readWith({ ...rest, title })).toEqual([title, ...all.slice(1)])
})

test('takes the judgments that are named, and only the first queries', async () => {
  expect((await readSearchData(own, { split: 'dev' })).queryCount).toBe(1)
  expect((await readSearchData(own, { limit: 2 })).relevant).toHaveLength(2)
})

test('knows the document that is the query itself, unless it is judged to be relevant', async () => {
  const { itself } = await readSearchData(own)
  expect(itself).toEqual([-1, -1, -1, -1, -1])
  const copy = withFile('queries.jsonl', '{"_id":"bread","text":"Which yeast works slowly?"}\n')
  writeFileSync(join(copy, 'qrels', 'test.tsv'), 'bread\ttea\t1\n')
  const { documents, itself: same } = await readSearchData(copy)
  expect(same.map((position) => documents[position])).toEqual(['bread'])
  writeFileSync(join(copy, 'qrels', 'test.tsv'), 'bread\tbread\t1\n')
  expect((await readSearchData(copy)).itself).toEqual([-1])
})

describe('refuses', () => {
  test.each([
    [
      'a judgment of no document',
      'qrels/test.tsv',
      'q1\tcoffee\t1\n',
      /judges the document coffee, which it does not have/,
    ],
    ['a judgment of no query', 'qrels/test.tsv', 'q9\ttea\t1\n', /judges the query q9/],
    ['nothing relevant', 'qrels/test.tsv', 'q1\ttea\t0\n', /judges no document of a query as relevant/],
  ])('%s', async (_, name, content, message) => {
    await expect(readSearchData(withFile(name, content))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringMatching(message),
    })
  })
})
