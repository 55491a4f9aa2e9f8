import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { readScoredTexts } from './scored-texts.ts'

const { folder } = testFolder()

async function read(content: string, options: object = {}) {
  const path = join(folder, 'data.tsv')
  await writeFile(path, content)
  const { texts, scores } = await readScoredTexts(path, options)
  return [texts.examples.map(({ pair }) => pair), scores]
}

test('reads a number for each text or pair, below zero, too', async () => {
  expect(await read('text\tscore\na\t-1.5\nb\t2e1\n')).toEqual([
    [undefined, undefined],
    [-1.5, 20],
  ])
  expect(await read('sentence1\tsentence2\tscore\na\tb\t3.8\n')).toEqual([['b'], [3.8]])
  expect(await read('a text\t1.5\nanother one\t2\n')).toEqual([
    [undefined, undefined],
    [1.5, 2],
  ])
  expect(await read('text\tgrade\na\t4\n', { labelColumn: 'grade' })).toEqual([[undefined], [4]])
  expect(await read('a text\t1.5\nanother one\t2\n', { limit: 1 })).toEqual([[undefined], [1.5]])
})

test('reads texts without numbers, and names the line of one that is not', async () => {
  expect(await read('text\na\n')).toEqual([[undefined], undefined])
  expect(await read('text\tscore\na\thigh\n', { unlabeled: true })).toEqual([[undefined], undefined])
  expect(await read('id\ttext\n1\ta\n')).toEqual([[undefined], undefined])
  for (const table of ['text\tgrade\na\t4\n', '1\ta text\t0.5\n2\tanother one\t2\n'])
    await expect(read(table)).rejects.toThrow('cannot tell which column holds the labels')
  const message = 'line 2: has the score "high", which is not a number'
  await expect(read('text\tscore\na\thigh\n')).rejects.toMatchObject({
    code: 'TP_DATA',
    message: expect.stringContaining(message),
  })
})
