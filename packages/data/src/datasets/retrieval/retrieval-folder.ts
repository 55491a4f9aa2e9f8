import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { exists } from '../../files/exists.ts'
import { type TextDataset, textDataset, UNLABELED } from '../dataset.ts'
import { dataError, listed } from '../table/data-error.ts'
import { readCandidates } from './candidates.ts'
import { type Judgments, readJudgments } from './judgments.ts'
import { readTextsById } from './texts-by-id.ts'

export interface RetrievalOptions {
  /** File of what a first stage found, see `readCandidates`. */
  readonly candidates?: string | undefined
  /** Which judgments: `test` is qrels/test.tsv. Default: the only ones, or `test`. */
  readonly split?: string | undefined
  /** At most so many candidates of each query, the best ones (default 100). */
  readonly top?: number | undefined
  /** The largest number of queries. */
  readonly limit?: number | undefined
}

/** Whether a folder holds documents and queries as BEIR lays them out. */
export async function isRetrievalFolder(folder: string): Promise<boolean> {
  return (await exists(join(folder, 'corpus.jsonl'))) && (await exists(join(folder, 'queries.jsonl')))
}

/**
 * Queries with the candidates that a first stage found, as pairs to be ranked: corpus.jsonl, queries.jsonl and qrels/*.tsv, as
 * BEIR lays them out. With judgments the queries are those that were judged; without a folder qrels all of the candidates' file.
 * @throws TpError TP_DATA
 */
export async function readRetrievalFolder(folder: string, options: RetrievalOptions = {}): Promise<TextDataset> {
  const { candidates: run, top = 100, limit } = options
  if (run === undefined) {
    throw dataError(folder, 'holds queries and documents; give what a first stage found for each query (candidates)')
  }
  const judgments = await judgmentsOf(folder, options.split)
  const [found, documents, queries] = await Promise.all([
    readCandidates(run),
    readTextsById(join(folder, 'corpus.jsonl')),
    readTextsById(join(folder, 'queries.jsonl')),
  ])
  const chosen = [...(judgments ?? found).keys()].filter((query) => found.has(query)).slice(0, limit)
  if (chosen.length === 0) throw dataError(run, `has candidates for none of the queries that ${folder} has judged`)
  const pairs = chosen.flatMap((query, number) =>
    (found.get(query) ?? []).slice(0, top).map((document) => ({
      number,
      text: textOf(queries, query, run, 'query'),
      pair: textOf(documents, document, run, 'document'),
      relevance: judgments?.get(query)?.get(document) ?? 0,
      label: judgments === undefined ? UNLABELED : Number((judgments.get(query)?.get(document) ?? 0) > 0),
      source: `${run}, query ${query}, document ${document}`,
    })),
  )
  return textDataset(folder, pairs, {
    queries: pairs.map(({ number }) => number),
    ...(judgments && {
      relevance: pairs.map(({ relevance }) => relevance),
      judged: chosen.map((query) => [...(judgments.get(query)?.values() ?? [])]),
    }),
  })
}

function textOf(texts: ReadonlyMap<string, string>, id: string, run: string, what: string): string {
  const text = texts.get(id)
  if (text !== undefined) return text
  throw dataError(
    run,
    `names the ${what} ${id.slice(0, 40)}, which is not in the ${what === 'query' ? 'queries' : 'corpus'}`,
  )
}

/**
 * The judgments of a folder; undefined where it has none.
 * @throws TpError TP_DATA if it has no such split
 */
export async function judgmentsOf(folder: string, split: string | undefined): Promise<Judgments | undefined> {
  const qrels = join(folder, 'qrels')
  const files = (await exists(qrels)) ? (await readdir(qrels)).filter((name) => name.endsWith('.tsv')) : []
  const file = split === undefined && files.length === 1 ? files[0] : `${split ?? 'test'}.tsv`
  if (files.length === 0 && split === undefined) return undefined
  if (file !== undefined && files.includes(file)) return await readJudgments(join(qrels, file))
  throw dataError(qrels, `has no ${file}; it holds ${listed(files.map((file) => basename(file, '.tsv')))} (split)`)
}
