import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bm25 } from './bm25.ts'
import type { Convert } from './convert.ts'
import { writeRows } from './tables.ts'

interface Entry {
  readonly _id: string
  readonly text: string
}

/** Documents with the questions that are put to them. */
interface Collection {
  readonly documents: readonly Entry[]
  readonly questions: readonly Entry[]
  readonly judged: readonly { readonly query: string; readonly document: string; readonly score: string }[]
}

const CANDIDATES = 30

/** Lays a collection out as BEIR does, with `candidates.tsv`: the best 30 documents of each question by BM25. */
async function writeCollection(folder: string, { documents, questions, judged }: Collection): Promise<void> {
  const lines = (objects: readonly object[]) => objects.map((own) => `${JSON.stringify(own)}\n`).join('')
  await writeFile(join(folder, 'corpus.jsonl'), lines(documents.map((own) => ({ ...own, title: '' }))))
  await writeFile(join(folder, 'queries.jsonl'), lines(questions))
  const rows = judged.map(({ query, document, score }) => ({ 'query-id': query, 'corpus-id': document, score }))
  await mkdir(join(folder, 'qrels'))
  await writeRows(join(folder, 'qrels', 'test.tsv'), rows)
  const find = bm25(documents.map(({ text }) => text))
  const found = questions.flatMap(({ _id: query, text }) =>
    find(text, CANDIDATES).map((i) => ({ 'query-id': query, 'corpus-id': documents[i]?._id ?? '' })),
  )
  await writeRows(join(folder, 'candidates.tsv'), found)
}

/** A collection in TREC's form. */
export function trecCollection({
  corpus,
  queries,
  judgments,
}: Record<'corpus' | 'queries' | 'judgments', string>): Convert {
  return async (checkout, folder) => {
    const read = (path: string) => readFile(join(checkout, path), 'utf8')
    const rows = (await read(judgments)).split('\n').map((line) => line.trim().split(/\s+/))
    await writeCollection(folder, {
      documents: parts(await read(corpus), /<DOCNO>\s*(\S+)\s*<\/DOCNO>([\s\S]*?)<\/DOC>/g),
      questions: parts(await read(queries), /<num>\s*(\S+?)\s*<\/num>\s*<title>([\s\S]*?)<\/title>/g),
      judged: rows
        .filter((cells) => cells.length === 4)
        .map(([query = '', , document = '', score = '']) => ({ query, document, score })),
    })
  }
}

function parts(text: string, form: RegExp): Entry[] {
  return [...text.matchAll(form)].map(([, id = '', body = '']) => ({ _id: id, text: plain(body) }))
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

interface Article {
  readonly paragraphs: readonly {
    readonly context: string
    readonly qas: readonly { readonly id: string; readonly question: string }[]
  }[]
}

/**
 * Paragraphs of SQuAD's form as collections, in which the paragraph that a question was put to is to be found: every third article is a
 * part of `choosing`, the others of `testing`.
 */
export function searchedParagraphs(path: string): Convert {
  return async (checkout, folder) => {
    const { data } = JSON.parse(await readFile(join(checkout, path), 'utf8')) as { readonly data: readonly Article[] }
    for (const [name, isIn] of [
      ['choosing', (article: number) => article % 3 === 0],
      ['testing', (article: number) => article % 3 !== 0],
    ] as const) {
      const paragraphs = data.flatMap((article, i) =>
        isIn(i) ? article.paragraphs.map((own, at) => ({ ...own, id: `${i}-${at}` })) : [],
      )
      await mkdir(join(folder, name))
      await writeCollection(join(folder, name), {
        documents: paragraphs.map(({ id, context }) => ({ _id: id, text: plain(context) })),
        questions: paragraphs.flatMap(({ qas }) => qas.map(({ id, question }) => ({ _id: id, text: plain(question) }))),
        judged: paragraphs.flatMap(({ id: document, qas }) =>
          qas.map(({ id: query }) => ({ query, document, score: '1' })),
        ),
      })
    }
  }
}
