import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conversion } from '../../test/conversion.ts'
import { searchedParagraphs, trecCollection } from './collections.ts'

const made = conversion()

test('lays a collection out with candidates by BM25', async () => {
  await writeFile(
    join(made.checkout, 'docs'),
    '<DOC>\n<DOCNO>1</DOCNO>\nradio\nwaves\n</DOC>\n<DOC>\n<DOCNO>2</DOCNO>\ncats\n</DOC>\n',
  )
  await writeFile(join(made.checkout, 'topics'), '<top>\n<num>7</num><title>\nRADIO\n</title>\n</top>\n')
  await writeFile(join(made.checkout, 'qrels'), '7 0 1 1\n')
  await trecCollection({ corpus: 'docs', queries: 'topics', judgments: 'qrels' })(made.checkout, made.suite)
  expect(await made.text('corpus.jsonl')).toContain('{"_id":"1","text":"radio waves","title":""}')
  expect(await made.text('queries.jsonl')).toBe('{"_id":"7","text":"RADIO"}\n')
  expect(await made.text('qrels/test.tsv')).toBe('query-id\tcorpus-id\tscore\n7\t1\t1\n')
  expect(await made.text('candidates.tsv')).toBe('query-id\tcorpus-id\n7\t1\n')
})

test('lays questions to paragraphs out as collections, articles apart', async () => {
  const article = (context: string, id: string) => ({ paragraphs: [{ context, qas: [{ id, question: `${id}?` }] }] })
  const data = [article('On\nsnow.', 'snow'), article('On rain.', 'rain'), article('On wind.', 'wind')]
  await writeFile(join(made.checkout, 'xquad.json'), JSON.stringify({ data }))
  await searchedParagraphs('xquad.json')(made.checkout, made.suite)
  expect(await made.text('choosing/corpus.jsonl')).toBe('{"_id":"0-0","text":"On snow.","title":""}\n')
  expect(await made.text('testing/queries.jsonl')).toBe(
    '{"_id":"rain","text":"rain?"}\n{"_id":"wind","text":"wind?"}\n',
  )
  expect(await made.text('testing/qrels/test.tsv')).toBe('query-id\tcorpus-id\tscore\nrain\t1-0\t1\nwind\t2-0\t1\n')
})
