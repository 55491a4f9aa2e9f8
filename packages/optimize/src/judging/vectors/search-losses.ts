import { evenlySpread, retrieve } from '@tp/compare'
import { type ModelInputs, someExamples } from '@tp/data/inputs'
import type { Vectors } from '@tp/metrics'
import type { Losses } from '../answers.ts'
import { LEAST_JUDGED } from './with-judgments.ts'

type Search = NonNullable<ModelInputs['search']>

/** Rows of the queries, and of the documents that they are searched in. */
export function rowsOfSearch({ data, of }: Search): {
  readonly queries: readonly number[]
  readonly documents: readonly number[]
} {
  const isQuery = (row: number): boolean => (of[row] as number) < data.queryCount
  const rows = [...of.keys()]
  return { queries: rows.filter(isQuery), documents: rows.filter((row) => !isQuery(row)) }
}

/** The nDCG@10 of each query in the documents that are there, which have to include its relevant ones. */
export function foundBy(vectors: Vectors, search: Search): readonly number[] {
  const { data, of } = search
  const { queries, documents } = rowsOfSearch(search)
  const documentOf = (row: number): number => (of[row] as number) - data.queryCount
  const places = new Map(documents.map((row, place) => [documentOf(row), place]))
  const vectorsOf = (rows: readonly number[]): Vectors => rows.map((row) => vectors[row] as Float64Array)
  const some = {
    ...{ texts: data.texts, queryCount: queries.length },
    documents: documents.map((row) => data.documents[documentOf(row)] as string),
    relevant: queries.map((row) =>
      (data.relevant[of[row] as number] ?? []).map(({ document, gain }) => ({
        ...{ document: places.get(document) as number, gain },
      })),
    ),
    itself: queries.map((row) => places.get(data.itself[of[row] as number] as number) ?? -1),
  }
  return retrieve(some, vectorsOf(queries), vectorsOf(documents)).ndcg10
}

/** Points of nDCG@10 that each query loses. */
export function searchLosses(dense: readonly number[], changed: readonly number[]): Losses {
  const lost = dense.map((before, query) => 100 * (before - (changed[query] as number)))
  return { labeled: lost, expected: lost, graded: true, mayGain: true }
}

/** At most so many texts, about: half of them queries with their relevant documents, the others documents that are relevant to none. */
export function sampleSearch(inputs: ModelInputs, search: Search, most: number): ModelInputs {
  if (inputs.targets.length <= most) return inputs
  const { data, of } = search
  const { queries, documents } = rowsOfSearch(search)
  const relevantTo = (rows: readonly number[]): ReadonlySet<number> =>
    new Set(rows.flatMap((row) => (data.relevant[of[row] as number] ?? []).map(({ document }) => document)))
  const perQuery = 1 + relevantTo(queries).size / queries.length
  const count = Math.max(LEAST_JUDGED.queries, Math.floor(most / 2 / perQuery))
  const chosen = evenlySpread(queries, count)
  const needed = relevantTo(chosen)
  const isNeeded = (row: number): boolean => needed.has((of[row] as number) - data.queryCount)
  const others = documents.filter((row) => !isNeeded(row))
  const room = Math.max(1, Math.floor(most) - chosen.length - needed.size)
  return someExamples(inputs, [...chosen, ...documents.filter(isNeeded), ...evenlySpread(others, room)])
}
