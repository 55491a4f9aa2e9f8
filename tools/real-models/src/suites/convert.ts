import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { groupRows, readRows, type SuiteRows, writeRows } from './tables.ts'

/** A function that makes a suite's folder of the files checked out. */
export type Convert = (checkout: string, folder: string) => Promise<void>

interface TableForm {
  readonly delimiter: ',' | '\t'
  /** Columns that are kept, by their new names. */
  readonly columns: Readonly<Record<string, string>>
  /** Default: all rows. */
  readonly choose?: (rows: SuiteRows) => SuiteRows
}

/** Tables with a header, under new names: `train.tsv` of `data/train.csv`. */
export function tables(files: Readonly<Record<string, string>>, form: TableForm): Convert {
  const { delimiter, columns, choose = (rows) => rows } = form
  return async (checkout, folder) => {
    for (const [name, path] of Object.entries(files)) {
      const rows = await readRows(join(checkout, path), delimiter)
      const renamed = rows.map((row) =>
        Object.fromEntries(Object.entries(columns).map(([to, from]) => [to, row[from] ?? ''])),
      )
      await writeRows(join(folder, name), choose(renamed))
    }
  }
}

/** Questions with an answer that is right and one that is not, as all who publish figures on TrecQA count them. */
export function answerable(rows: SuiteRows): SuiteRows {
  return groupRows(rows, 'question').flatMap((candidates) =>
    new Set(candidates.map(({ label }) => label)).size === 2 ? candidates : [],
  )
}

/** Pairs of several files without a header, whose first column is a score; those without one are left out. */
export function scoredPairs(files: Readonly<Record<string, readonly string[]>>): Convert {
  return async (checkout, folder) => {
    for (const [name, paths] of Object.entries(files)) {
      const texts = await Promise.all(paths.map((path) => readFile(join(checkout, path), 'utf8')))
      const lines = texts.flatMap((text) => text.split('\n').map((line) => line.split('\t')))
      const rows = lines
        .filter(([score, first, second]) => score?.trim() && first && second)
        .map(([score = '', first = '', second = '']) => ({ score, sentence1: first, sentence2: second }))
      await writeRows(join(folder, name), rows)
    }
  }
}

/** Words with tags, where lines without a word separate sentences. */
export function taggedWords(files: Readonly<Record<string, string>>): Convert {
  return async (checkout, folder) => {
    for (const [name, path] of Object.entries(files)) {
      const lines = (await readFile(join(checkout, path), 'utf8')).split('\n').map((line) => line.split('\t'))
      const tagged = lines.map(([word = '', tag = '']) => (word.trim() && tag.trim() ? `${word}\t${tag.trim()}` : ''))
      await writeFile(
        join(folder, name),
        `${tagged
          .join('\n')
          .replace(/\n{3,}/g, '\n\n')
          .trim()}\n`,
      )
    }
  }
}

/** Files and folders as they are. */
export async function asTheyAre(checkout: string, folder: string): Promise<void> {
  for (const name of await readdir(checkout)) await cp(join(checkout, name), join(folder, name), { recursive: true })
}

/** Recordings with `transcripts.tsv`, of a list of JSON that names each file with its text and language. */
export function spokenSentences(list: string, recordings: string): Convert {
  return async (checkout, folder) => {
    const { tests } = JSON.parse(await readFile(join(checkout, list), 'utf8')) as {
      tests: {
        language_tests: readonly { language: string; audio_file: string; transcript_with_punctuation: string }[]
      }
    }
    const spoken = tests.language_tests
    for (const { audio_file: name } of spoken) await cp(join(checkout, recordings, name), join(folder, name))
    const lines = spoken.map((own) => `${own.audio_file}\t${own.transcript_with_punctuation}\t${own.language}\n`)
    await writeFile(join(folder, 'transcripts.tsv'), lines.join(''))
  }
}
