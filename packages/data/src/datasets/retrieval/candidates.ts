import { numberIn } from '../table/number-in.ts'
import { cellsOf } from './lines.ts'

/** The documents that a first stage found for each query, best first. */
export type Candidates = ReadonlyMap<string, readonly string[]>

/**
 * Reads the run of a first stage: `query Q0 document rank score tag` (TREC), or `query<TAB>document` and any further columns, with
 * a header `query-id…` or without. Lines of a query are ordered by the score of a TREC run, else as they come.
 * @throws TpError TP_DATA naming the line
 */
export async function readCandidates(path: string): Promise<Candidates> {
  const found = new Map<string, Map<string, number>>()
  const lines = await cellsOf(path, { from: 2, to: 6 }, 'query and document')
  for (const { cells, fail } of lines) {
    const isTrec = cells.length === 6
    const [query, document] = [cells[0], cells[isTrec ? 2 : 1]] as [string, string]
    const score = isTrec ? numberIn(cells[4]) : 0
    if (score === undefined) throw fail(`has the score "${cells[4]?.slice(0, 40)}"; it must be a number`)
    const own = found.get(query) ?? new Map<string, number>()
    if (own.has(document)) throw fail('names a document that an earlier line of the query names')
    found.set(query, own.set(document, score))
  }
  const ordered = [...found].map(
    ([query, own]) => [query, [...own].toSorted(([, a], [, b]) => b - a).map(([document]) => document)] as const,
  )
  return new Map(ordered)
}
