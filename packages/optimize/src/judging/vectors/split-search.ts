import { divide, type ModelInputs, sampleExamples, someExamples } from '@tp/data/inputs'
import type { Parts } from '../judge.ts'
import { rowsOfSearch } from './search-losses.ts'

/** With so many queries a third is kept to confirm. */
const MANY = 300

/** Fewer texts teach too little. */
const LEARNING = 300

const TURNS = ['choose', 'choose', 'confirm'] as const

/** Texts by which candidates are compared: how far their vectors move. */
const LOOK = 64

/**
 * Queries of each part, with all documents. Methods learn from the queries that choose and from the documents, without what is judged.
 */
export function splitOfSearch(
  inputs: ModelInputs,
  search: NonNullable<ModelInputs['search']>,
  { look = LOOK, learn = 0 }: { readonly look?: number | undefined; readonly learn?: number | undefined },
): Parts {
  const { queries, documents } = rowsOfSearch(search)
  const turns = queries.length < MANY ? (['choose'] as const) : TURNS
  const parts: Readonly<Partial<Record<'choose' | 'confirm', readonly number[]>>> = divide(
    someExamples(inputs, queries),
    turns,
  )
  const withDocuments = (some: readonly number[]): ModelInputs =>
    someExamples(inputs, [...some.map((place) => queries[place] as number), ...documents])
  const { choose = [], confirm = [] } = parts
  const choosing = withDocuments(choose)
  const texts = { ...choosing, search: undefined }
  return {
    look: choosing,
    compared: sampleExamples(texts, Math.min(look, LOOK)),
    ...(confirm.length > 0 && { confirm: withDocuments(confirm) }),
    ...(learn > 0 && texts.targets.length >= LEARNING && { learn: sampleExamples(texts, learn) }),
  }
}
