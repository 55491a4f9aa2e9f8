import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelSignature } from '@tp/core/runtime'
import { type ReadTaskData, readTaskData } from '@tp/data'
import { reportsPath, writeWhole } from '../files.ts'
import type { DataPart, ImagePart, OutsideCase, SearchPart, TablePart } from './cases.ts'
import { shuffled } from './shuffled.ts'

/** Data of a task that is compared here: not of speech. */
export type OutsideData = Exclude<ReadTaskData, { readonly task: 'asr' }>

/** A file or folder, as `--data` takes it, with what goes with it. */
export interface DataPath {
  readonly path: string
  readonly top?: number
  readonly candidates?: string
}

/** Puts a part of a suite where `tp` can read it: a table of shuffled examples is written to `reports/outside`. */
export async function dataPath(one: OutsideCase, name: 'choosing' | 'testing', part: DataPart): Promise<DataPath> {
  const folder = one.suite()
  if ('folder' in part) {
    if (part.pooled !== undefined) {
      const path = reportsPath(`outside/${one.name}/${name}`)
      await poolCandidates(join(folder, part.folder), path, part)
      return { path }
    }
    const path = join(folder, part.folder)
    return part.top === undefined ? { path } : { path, top: part.top, candidates: join(path, 'candidates.tsv') }
  }
  if ('images' in part) {
    const path = reportsPath(`outside/${one.name}/${name}`)
    await copyImages(join(folder, part.images), path, part)
    return { path }
  }
  const path = reportsPath(`outside/${one.name}/${name}.tsv`)
  await writeWhole(path, await tableOf(folder, part))
  return { path }
}

/** Copies: what was measured is kept when the cache is cleared. */
async function copyImages(from: string, to: string, { from: first = 0, count }: ImagePart): Promise<void> {
  await rm(to, { recursive: true, force: true })
  const classes = await readdir(from)
  for (const name of classes) {
    await mkdir(join(to, name), { recursive: true })
    const files = (await readdir(join(from, name))).toSorted()
    const [begin, end] = [first, first + count].map((all) => Math.floor(all / classes.length))
    for (const file of files.slice(begin, end)) await cp(join(from, name, file), join(to, name, file))
  }
}

/** The first queries, and of the documents those that one of them has among its first candidates, with the judgments of these. */
async function poolCandidates(
  from: string,
  to: string,
  { top = Number.POSITIVE_INFINITY, pooled = 0 }: SearchPart,
): Promise<void> {
  await mkdir(to, { recursive: true })
  const [, ...lines] = (await readFile(join(from, 'candidates.tsv'), 'utf8')).trimEnd().split('\n')
  const counts = new Map<string, number>()
  const pool = new Set<string>()
  for (const line of lines) {
    const [query = '', document = ''] = line.split('\t')
    const count = (counts.get(query) ?? 0) + 1
    if (count === 1 && counts.size === pooled) break
    counts.set(query, count)
    if (count <= top) pool.add(document)
  }
  const corpus = (await readFile(join(from, 'corpus.jsonl'), 'utf8')).trimEnd().split('\n')
  const isPooled = (line: string): boolean => pool.has((JSON.parse(line) as { readonly _id: string })._id)
  await writeWhole(join(to, 'corpus.jsonl'), `${corpus.filter(isPooled).join('\n')}\n`)
  const queries = (await readFile(join(from, 'queries.jsonl'), 'utf8')).trimEnd().split('\n')
  const isOfThese = (line: string): boolean => counts.has((JSON.parse(line) as { readonly _id: string })._id)
  await writeWhole(join(to, 'queries.jsonl'), `${queries.filter(isOfThese).join('\n')}\n`)
  await mkdir(join(to, 'qrels'), { recursive: true })
  for (const file of await readdir(join(from, 'qrels'))) {
    const [header = '', ...judged] = (await readFile(join(from, 'qrels', file), 'utf8')).trimEnd().split('\n')
    const own = judged.filter((line) => {
      const [query = '', document = ''] = line.split('\t')
      return counts.has(query) && pool.has(document)
    })
    await writeWhole(join(to, 'qrels', file), `${[header, ...own].join('\n')}\n`)
  }
}

const SEED = 17

async function tableOf(folder: string, part: TablePart): Promise<string> {
  const { files, from = 0, count = Number.POSITIVE_INFINITY, isTagged, isUntagged, isGrouped } = part
  const contents = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const separator = isTagged ? /\n\s*\n/ : /\n/
  const tables = contents.map((text) => text.split(separator).filter((row) => row.trim() !== ''))
  const header = isTagged ? [] : [tables[0]?.[0] as string]
  const rows = tables.flatMap((table) => (isTagged ? table : table.slice(1)))
  const some = (isGrouped ? rows : shuffled(rows, SEED)).slice(from, from + count)
  if (isUntagged) return `text\n${some.map(wordsOf).join('\n')}\n`
  return `${[...header, ...some].join(isTagged ? '\n\n' : '\n')}\n`
}

/** The words of a sentence of `word<TAB>tag` lines. */
function wordsOf(sentence: string): string {
  return sentence
    .split('\n')
    .map((line) => line.split('\t')[0])
    .join(' ')
}

export async function readPart(one: OutsideCase, session: ModelSignature, data: DataPath): Promise<OutsideData> {
  const { path: file, ...options } = data
  const read = await readTaskData(one.model(), session, file, options)
  if (read.task === 'asr') throw new TypeError('speech is measured elsewhere')
  return read.task === 'embeddings' && one.byToken ? { ...read, byToken: true } : read
}
