/** Candidates that are to be ranked, query by query. */
export interface Ranking {
  /** Number of the query of each example, from 0. */
  readonly queries: readonly number[]
  /** How relevant each example is to its query, 0 for not at all; absent where nobody has judged. */
  readonly relevance?: readonly number[] | undefined
  /**
   * By query: the relevance of all documents that were judged, whether they are among the candidates or not. A perfect ranking
   * is one of these. Default: of the candidates.
   */
  readonly judged?: readonly (readonly number[])[] | undefined
}

/** Some of the examples, by their positions, in that order. Queries keep their numbers. */
export function someRanked(ranking: Ranking, rows: readonly number[]): Ranking {
  const { queries, relevance } = ranking
  const of = (all: readonly number[]): number[] => rows.map((row) => all[row] as number)
  return { ...ranking, queries: of(queries), relevance: relevance && of(relevance) }
}

/** Positions of the candidates of each query that has some, in the order of the examples. */
export function candidatesOf({ queries }: Ranking): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>()
  for (const [position, query] of queries.entries()) {
    const own = found.get(query)
    if (own === undefined) found.set(query, [position])
    else own.push(position)
  }
  return found
}

/** Whether at least half of the candidates have another one of the same query: alone, a candidate is always the first. */
export function competes(ranking: Ranking): boolean {
  const candidates = [...candidatesOf(ranking).values()].filter(({ length }) => length > 1)
  return 2 * candidates.flat().length >= ranking.queries.length
}

/** Texts numbered by their content: equal ones have the same number. */
export function numbersOf(texts: readonly string[]): number[] {
  const known = new Map<string, number>()
  return texts.map((text) => {
    const number = known.get(text) ?? known.size
    known.set(text, number)
    return number
  })
}
