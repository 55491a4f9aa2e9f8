import { join } from 'node:path'
import { type TextDataset, textDataset, UNLABELED } from '../dataset.ts'
import { dataError } from '../table/data-error.ts'
import { judgmentsOf, type RetrievalOptions } from './retrieval-folder.ts'
import { readTextsById } from './texts-by-id.ts'

/** Queries, documents that are all searched, and which of them is how relevant to which query. */
export interface SearchData {
  /** The texts: queries first, then documents. */
  readonly texts: TextDataset
  readonly queryCount: number
  /** Names of the documents. */
  readonly documents: readonly string[]
  /** For each query its relevant documents, by position, with gains above 0; one at least. */
  readonly relevant: readonly (readonly { readonly document: number; readonly gain: number }[])[]
  /**
   * For each query the document of the same name, which does not count as a result: where documents are queries, a query finds
   * itself. −1 if there is none, or if it is judged to be relevant.
   */
  readonly itself: readonly number[]
}

/**
 * A data set in BEIR's layout, for models that embed queries and documents: `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv`. Queries
 * without a relevant document are left out, as there is nothing to find. Thakur et al., BEIR, NeurIPS 2021.
 * @throws TpError TP_DATA
 */
export async function readSearchData(
  folder: string,
  options: Pick<RetrievalOptions, 'split' | 'limit'> = {},
): Promise<SearchData> {
  const [judgments, documents, queries] = await Promise.all([
    judgmentsOf(folder, options.split),
    readTextsById(join(folder, 'corpus.jsonl')),
    readTextsById(join(folder, 'queries.jsonl')),
  ])
  if (judgments === undefined)
    throw dataError(folder, 'has no judgments (qrels/test.tsv), so what is found cannot be judged')
  const positions = new Map([...documents.keys()].map((name, position) => [name, position]))
  const judged = [...judgments].flatMap(([query, gains]) => {
    const relevant = [...gains].flatMap(([name, gain]) => {
      const document = positions.get(name)
      if (document === undefined) throw missing(folder, `document ${name}`)
      return gain > 0 ? [{ document, gain }] : []
    })
    const text = queries.get(query)
    if (text === undefined) throw missing(folder, `query ${query}`)
    const same = positions.get(query) ?? -1
    const itself = relevant.some(({ document }) => document === same) ? -1 : same
    return relevant.length === 0 ? [] : [{ query, text, relevant, itself }]
  })
  const chosen = judged.slice(0, options.limit)
  if (chosen.length === 0) throw dataError(folder, 'judges no document of a query as relevant')
  const texts = [
    ...chosen.map(({ query, text }) => ({ text, label: UNLABELED, source: `${folder}, query ${query}` })),
    ...[...documents].map(([name, text]) => ({ text, label: UNLABELED, source: `${folder}, document ${name}` })),
  ]
  return {
    texts: textDataset(folder, texts),
    queryCount: chosen.length,
    documents: [...documents.keys()],
    relevant: chosen.map(({ relevant }) => relevant),
    itself: chosen.map(({ itself }) => itself),
  }
}

function missing(folder: string, what: string): Error {
  return dataError(folder, `judges the ${what.slice(0, 60)}, which it does not have`)
}
