import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TextDataset, textDataset } from './dataset.ts'
import { dataError, listed } from './table/data-error.ts'
import { readTable } from './table/read-table.ts'
import type { DataTable, Row } from './table/table.ts'

/** Queries, documents, and which document is how relevant to which query. */
export interface RetrievalData {
  /** Where it comes from, for messages and reports. */
  readonly source: string
  /** The texts: queries first, then documents. */
  readonly texts: TextDataset
  readonly queryCount: number
  /** Names of the documents. */
  readonly documents: readonly string[]
  /** For each query its relevant documents, by position, with gains above 0; one at least. */
  readonly relevant: readonly (readonly { readonly document: number; readonly gain: number }[])[]
}

export interface RetrievalOptions {
  /** Which judgements of several: `test` for qrels/test.tsv. Default: test, or the only ones that there are. */
  readonly split?: string | undefined
  /** The largest number of queries. */
  readonly limit?: number | undefined
}

/** Whether a folder has the files of BEIR's layout. */
export async function isRetrievalFolder(folder: string): Promise<boolean> {
  const names: string[] = await readdir(folder).catch(() => [])
  return ['corpus.jsonl', 'queries.jsonl', 'qrels'].every((name) => names.includes(name))
}

/**
 * A data set in BEIR's layout: `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`) and judgements in
 * `qrels/*.tsv` (query, document, score; with a header). A document's text is its title and its text. Queries without a relevant
 * document are left out, as there is nothing to find. Thakur et al., BEIR, NeurIPS 2021.
 * @throws TpError TP_DATA naming the line
 */
export async function readRetrieval(folder: string, options: RetrievalOptions = {}): Promise<RetrievalData> {
  const path = await judgements(folder, options.split)
  const [corpus, queries, judged] = await Promise.all([
    readTable(join(folder, 'corpus.jsonl')),
    readTable(join(folder, 'queries.jsonl')),
    readTable(path),
  ])
  const documents = namedTexts(corpus, ['title', 'text'])
  const asked = namedTexts(queries, ['text'])
  const positions = new Map([...documents.keys()].map((name, position) => [name, position]))
  const relevant = new Map<string, { document: number; gain: number }[]>()
  for (const row of judged.rows) {
    const { query, document, gain } = judgementOf(path, row)
    if (!(gain > 0)) continue
    const position = positions.get(document)
    const missing = position === undefined ? `document ${document}` : asked.has(query) ? undefined : `query ${query}`
    if (position === undefined || missing !== undefined)
      throw dataError(`${path}, line ${row.line}`, `judges the ${missing}, which the data set does not have`)
    relevant.set(query, [...(relevant.get(query) ?? []), { document: position, gain }])
  }
  const judgedQueries = [...asked].filter(([name]) => relevant.has(name)).slice(0, options.limit)
  if (judgedQueries.length === 0) throw dataError(path, 'judges no document of a query as relevant')
  return {
    source: folder,
    texts: textDataset(
      folder,
      [...judgedQueries, ...documents].map(([name, text]) => ({ text, label: -1, source: `${folder}, ${name}` })),
    ),
    queryCount: judgedQueries.length,
    documents: [...documents.keys()],
    relevant: judgedQueries.map(([name]) => relevant.get(name) as { document: number; gain: number }[]),
  }
}

async function judgements(folder: string, split: string | undefined): Promise<string> {
  const names = (await readdir(join(folder, 'qrels'))).filter((name) => name.endsWith('.tsv')).sort()
  const [only, ...others] = names
  const wanted = split ?? (others.length === 0 ? only?.slice(0, -'.tsv'.length) : 'test')
  if (wanted !== undefined && names.includes(`${wanted}.tsv`)) return join(folder, 'qrels', `${wanted}.tsv`)
  const seen = names.length === 0 ? 'it has no .tsv file' : `it has ${listed(names)}`
  throw dataError(join(folder, 'qrels'), `there are no judgements ${wanted ?? ''}; ${seen}`)
}

/** Texts by name, in the file's order: those keys that are there, joined. */
function namedTexts({ path, names, rows }: DataTable, keys: readonly string[]): Map<string, string> {
  const column = (name: string): number => names?.indexOf(name) ?? -1
  const [id, text] = [column('_id'), column('text')]
  if (id < 0 || text < 0) throw dataError(path, `its lines need "_id" and "text"; the first has ${listed(names ?? [])}`)
  const columns = keys.map(column).filter((found) => found >= 0)
  const texts = new Map<string, string>()
  for (const { cells, line } of rows) {
    const [name, own] = [cells[id], cells[text]]
    if (name === undefined || own === undefined) throw dataError(`${path}, line ${line}`, 'has no "_id" or no "text"')
    if (texts.has(name)) throw dataError(`${path}, line ${line}`, `has the _id ${name} of another line`)
    const parts = columns.map((found) => cells[found] ?? '').filter((part) => part !== '')
    texts.set(name, parts.join(' '))
  }
  return texts
}

/** The header is a row without a number. */
function judgementOf(path: string, { cells, line }: Row): { query: string; document: string; gain: number } {
  const [query = '', document = '', score = '', ...more] = cells.map((cell) => cell ?? '')
  const gain = Number(score)
  if (more.length > 0 || score.trim() === '' || (Number.isNaN(gain) && line > 1)) {
    throw dataError(
      `${path}, line ${line}`,
      'is no judgement; it has to be query, document and score, separated by tabs',
    )
  }
  return { query, document, gain }
}
