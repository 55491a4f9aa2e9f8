import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { readLabelSets } from './label-sets.ts'

const { folder } = testFolder()
const labels = ['joy', 'anger', 'fear']

async function read(ending: string, content: string, options: object = {}) {
  const path = join(folder, `data.${ending}`)
  await writeFile(path, content)
  const { texts, sets } = await readLabelSets(path, labels.length, { labels, ...options })
  return [await Promise.all(texts.examples.map((example) => example.read())), sets]
}

const texts = ['good', 'bad film', 'well']
const sets = [[0, 2], [], [1]]

test.each([
  ['tsv', 'text\tlabels\ngood\tjoy,fear\nbad film\t\nwell\tanger\n'],
  ['tsv', 'text\tlabels\tid\ngood\t0,2\ta\nbad film\t\tb\nwell\t1\tc\n'],
  ['csv', 'text,label\ngood,"joy; fear"\nbad film,\nwell,Anger\n'],
  ['csv', "text,labels\ngood,\"['joy', 'fear']\"\nbad film,[]\nwell,['anger']\n"],
  ['csv', 'id,comment_text,joy,anger,fear\n1,good,1,0,1\n2,bad film,0,0,0\n3,well,0,1,0\n'],
  ['csv', 'text,labels\ngood,1 0 1\nbad film,0 0 0\nwell,0 1 0\n'],
  ['csv', 'text,labels\ngood,"[True, False, True]"\nbad film,"[False, False, False]"\nwell,"[False, True, False]"\n'],
  ['jsonl', '{"text":"good","labels":["joy","fear"]}\n{"text":"bad film","labels":[]}\n{"text":"well","labels":[1]}\n'],
  [
    'jsonl',
    '{"text":"good","labels":[1.0,0,1]}\n{"text":"bad film","labels":[0,0,0]}\n{"text":"well","labels":[0,1,0]}\n',
  ],
])('reads any number of labels for each text, from %s %j', async (ending, content) => {
  expect(await read(ending, content)).toEqual([texts, sets])
})

test('reads labels without a header, all rows or the first ones', async () => {
  const content = 'a good film\t0,2\na bad film\t\n'
  expect(await read('tsv', content)).toEqual([
    ['a good film', 'a bad film'],
    [[0, 2], []],
  ])
  expect(await read('tsv', content, { limit: 1 })).toEqual([['a good film'], [[0, 2]]])
})

test('reads texts without labels', async () => {
  expect(await read('tsv', 'text\ngood\nbad film\nwell\n')).toEqual([texts, undefined])
  expect(await read('tsv', 'text\tlabels\ngood\tx\nbad film\t\nwell\ty\n', { unlabeled: true })).toEqual([
    texts,
    undefined,
  ])
})

test.each([
  ['text\tlabels\ngood\tjoy,hate\n', 'line 2: unknown label "hate"; the model knows joy, anger, fear'],
  ['text\tmood\ngood\tjoy\n', 'cannot tell which column holds the labels'],
  ['text\tjoy\tanger\tfear\ngood\t1\t0\tmaybe\n', 'line 2: has "maybe" where 0 or 1 says whether a label holds'],
])('names the line of what is not a label: %j', async (content, message) => {
  await expect(read('tsv', content)).rejects.toMatchObject({
    code: 'TP_DATA',
    message: expect.stringContaining(message),
  })
})
