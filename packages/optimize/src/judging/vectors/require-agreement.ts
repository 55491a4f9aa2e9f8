import { findsByChance, followsByChance, judgmentsOfOthers } from '@tp/compare'
import { TpError } from '@tp/core'
import type { ModelInputs } from '@tp/data/inputs'
import { dot } from '@tp/metrics'
import { rowsOfPairs } from './pair-losses.ts'
import { foundBy, rowsOfSearch } from './search-losses.ts'

/**
 * Checks that the dense model agrees with what people have judged of texts: else the model that is ruined most might gain most.
 * @throws TpError TP_DATA
 */
export function requireAgreement({ pairs, search, vectors, source }: ModelInputs): void {
  if (vectors === undefined) return
  const doubt =
    pairs !== undefined ? ofPairs(pairs, vectors) : search !== undefined ? ofSearch(search, vectors) : undefined
  if (doubt !== undefined) throw new TpError('TP_DATA', 'optimize', `${source}: the dense model ${doubt}`)
}

type Judged<Name extends 'pairs' | 'search' | 'vectors'> = NonNullable<ModelInputs[Name]>

function ofPairs(pairs: Judged<'pairs'>, vectors: Judged<'vectors'>): string | undefined {
  const rows = rowsOfPairs(pairs)
  const cosines = rows.map(([first, second]) => dot(vectors[first] as Float64Array, vectors[second] as Float64Array))
  return followsByChance(
    cosines,
    rows.map(([first]) => pairs.scores[first] as number),
  )
}

function ofSearch(search: Judged<'search'>, vectors: Judged<'vectors'>): string | undefined {
  const { data, of } = search
  const queries = rowsOfSearch(search).queries.map((row) => of[row] as number)
  const others = judgmentsOfOthers({ relevant: queries.map((query) => data.relevant[query] ?? []) })
  const relevant = [...data.relevant]
  for (const [i, query] of queries.entries()) relevant[query] = others[i] ?? []
  return findsByChance(foundBy(vectors, search), foundBy(vectors, { ...search, data: { ...data, relevant } }))
}
