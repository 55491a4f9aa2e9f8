import { type ModelInputs, someExamples, textDataset } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import { splitOf } from '../split.ts'
import { foundBy, rowsOfSearch, sampleSearch, searchLosses } from './search-losses.ts'
import { tooFewJudged, withJudgments } from './with-judgments.ts'

const DOCUMENTS = 500

/** A search in which each query has one relevant document, the one of its number. */
function searchOf(queryCount: number): ModelInputs & { readonly search: NonNullable<ModelInputs['search']> } {
  const rows = Array.from({ length: queryCount + DOCUMENTS }, (_, row) => row)
  const data = {
    ...{ texts: textDataset('here', []), queryCount },
    documents: Array.from({ length: DOCUMENTS }, (_, document) => `d${document}`),
    relevant: Array.from({ length: queryCount }, (_, query) => [{ document: query, gain: 1 }]),
    itself: Array.from({ length: queryCount }, () => -1),
  }
  const feeds = async () => ({})
  return {
    ...{ source: 'here', targets: rows.map(() => -1), lengths: rows.map((row) => 3 + (row % 7)), notes: [], feeds },
    ...{ preparationMs: undefined, search: { data, of: rows }, vectors: rows.map(() => Float64Array.of(1, 0)) },
  }
}

/** The documents that are relevant to the queries of a part are in it. */
function expectComplete({ search }: ModelInputs): void {
  if (search === undefined) throw new Error('there are no judgments')
  const { queries, documents } = rowsOfSearch(search)
  const there = new Set(documents.map((row) => (search.of[row] as number) - search.data.queryCount))
  expect(queries.every((row) => there.has(search.of[row] as number))).toBe(true)
}

test('finds by nDCG@10 of each query what is relevant among some of the documents', () => {
  const angle = (degrees: number): Float64Array =>
    Float64Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180))
  const data = {
    ...{ texts: textDataset('here', []), queryCount: 2, documents: ['a', 'b', 'c'], itself: [-1, -1] },
    relevant: [[{ document: 1, gain: 1 }], [{ document: 0, gain: 1 }]],
  }
  // Without document c, the second query first.
  const of = [1, 3, 0, 2]
  const vectors = [angle(0), angle(50), angle(60), angle(10)]
  expect(foundBy(vectors, { data, of })).toEqual([1, 1])
  const worse = foundBy([angle(45), angle(50), angle(60), angle(10)], { data, of })
  expect(worse[0]).toBeCloseTo(1 / Math.log2(3), 12)
  expect(searchLosses([1, 1], worse).expected[0]).toBeCloseTo(100 * (1 - 1 / Math.log2(3)), 10)
})

test('samples queries with all that is relevant to them, and fills up with other documents', () => {
  const all = searchOf(100)
  expect(sampleSearch(all, all.search, 600)).toBe(all)
  const some = sampleSearch(all, all.search, 200)
  expect(some.targets).toHaveLength(200)
  expect(rowsOfSearch(some.search as typeof all.search).queries).toHaveLength(50)
  expectComplete(some)
  expect(rowsOfSearch(sampleSearch(all, all.search, 50).search as typeof all.search).queries).toHaveLength(40)
})

test('divides queries, and searches all documents with each part', () => {
  const { look, rest, confirm, compared, learn } = splitOf(searchOf(360), { learn: 200 })
  expect(rest).toBeUndefined()
  for (const [part, count] of [
    [look, 240],
    [confirm, 120],
  ] as const) {
    expect(part?.targets).toHaveLength(count + DOCUMENTS)
    expectComplete(part as ModelInputs)
  }
  const queriesOf = ({ search }: ModelInputs): number[] =>
    search?.of.filter((position) => position < search.data.queryCount) ?? []
  expect(queriesOf(look).filter((query) => queriesOf(confirm as ModelInputs).includes(query))).toEqual([])
  expect([compared?.targets.length, compared?.search, learn?.targets.length]).toEqual([64, undefined, 200])
  expect(splitOf(searchOf(100)).confirm).toBeUndefined()
})

test('takes judgments of 40 queries or more, and compares vectors where there are fewer', () => {
  const dataOf = (queryCount: number) => {
    const { search, ...inputs } = searchOf(queryCount)
    return { task: 'embeddings', inputs, judged: search.data } as const
  }
  expect(withJudgments(dataOf(40)).search?.of).toHaveLength(540)
  expect(tooFewJudged(dataOf(40))).toBeUndefined()
  expect(withJudgments(dataOf(39)).search).toBeUndefined()
  expect(tooFewJudged(dataOf(39))).toEqual({ of: 'queries', count: 39, needed: 40 })
  expect(withJudgments({ ...dataOf(40), byToken: true }).search).toBeUndefined()
  // Some of the texts have other positions.
  const { inputs, ...others } = dataOf(40)
  expect(withJudgments({ ...others, inputs: someExamples(inputs, [0, 1, 2]) }).search).toBeUndefined()
})
