import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import type { TextDataset } from './dataset.ts'
import { openDataset } from './open-dataset.ts'
import { readPairs } from './pairs.ts'

const { folder } = testFolder()

async function write(name: string, ...lines: string[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

test('pairs with the same query are its candidates, with or without relevance', async () => {
  const judged = await write(
    'judged.tsv',
    'query\tdocument\trelevance',
    'owls\thunt\t2',
    'bees\thoney\t0',
    'owls\tfly\t0',
  )
  const data = (await readPairs(judged)) as TextDataset
  expect(data.ranking).toEqual({ queries: [0, 1, 0], relevance: [2, 0, 0] })
  expect(data.examples.map(({ pair, label }) => [pair, label])).toEqual([
    ['hunt', 1],
    ['honey', 0],
    ['fly', 0],
  ])
  const open = await write('open.jsonl', '{"text": "owls", "text_pair": "hunt"}')
  expect((await readPairs(open))?.ranking).toEqual({ queries: [0], relevance: undefined })
})

test('a column that may hold the relevance is not ignored, and identifiers are', async () => {
  const graded = await write('graded.tsv', 'qid\tquery\tdoc_id\tdocument\tgrade', 'q1\towls\td7\thunt\t2')
  await expect(readPairs(graded)).rejects.toThrow('cannot tell which column holds the labels')
  expect((await readPairs(graded, { labelColumn: 'grade' }))?.ranking?.relevance).toEqual([2])
  expect((await readPairs(graded, { unlabeled: true }))?.ranking?.relevance).toBeUndefined()
  const open = await write('ids.tsv', 'query-id\tquery\tdocid\tdocument', 'q1\towls\td7\thunt')
  expect((await readPairs(open))?.ranking?.relevance).toBeUndefined()
})

test('columns with other names are named', async () => {
  const path = await write('named.csv', 'claim,abstract,label', 'owls,"hunt, at night",1')
  await expect(readPairs(path, { pairColumn: 'abstract' })).rejects.toThrow('a pair needs two columns; name both')
  const data = await readPairs(path, { textColumn: 'claim', pairColumn: 'abstract' })
  expect(data?.examples.map(({ pair }) => pair)).toEqual(['hunt, at night'])
})

test('only a model that ranks reads relevance; a classifier reads pairs with classes', async () => {
  const path = await write('nli.tsv', 'premise\thypothesis\tlabel', 'owls\tfly\tyes')
  const { examples } = await openDataset(path, { labels: ['no', 'yes'] })
  expect(examples.map((example) => [example.pair, example.label])).toEqual([['fly', 1]])
  await expect(openDataset(path, { ranks: true })).rejects.toThrow('has the relevance "yes"; it is a number from 0')
})

test('a table of single texts is read as such by a model with one logit', async () => {
  const path = await write('single.tsv', 'label\ttext', '1\towls')
  expect(await readPairs(path)).toBeUndefined()
  const { examples } = await openDataset(path, { ranks: true })
  expect(examples.map(({ pair, label }) => [pair, label])).toEqual([[undefined, 1]])
})
