import { numberIn } from '../table/number-in.ts'
import { cellsOf } from './lines.ts'

/** How relevant documents are to queries: query → document → relevance, 0 for not at all. */
export type Judgments = ReadonlyMap<string, ReadonlyMap<string, number>>

/**
 * Reads relevance judgments: `query-id<TAB>corpus-id<TAB>score` with a header (BEIR), or `query 0 document score` (TREC).
 * @throws TpError TP_DATA naming the line
 */
export async function readJudgments(path: string): Promise<Judgments> {
  const judgments = new Map<string, Map<string, number>>()
  const lines = await cellsOf(path, { from: 3, to: 4 }, 'query, document and relevance')
  for (const { cells, fail } of lines) {
    const [query, document] = [cells[0], cells.at(-2)] as [string, string]
    const relevance = numberIn(cells.at(-1))
    if (relevance === undefined) throw fail(`has the relevance "${cells.at(-1)?.slice(0, 40)}"; it must be a number`)
    const known = judgments.get(query) ?? new Map<string, number>()
    // Negative judgments of TREC are spam or broken documents.
    judgments.set(query, known.set(document, Math.max(0, relevance)))
  }
  return judgments
}
