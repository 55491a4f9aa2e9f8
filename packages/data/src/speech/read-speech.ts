import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { wordsOf } from '@tp/metrics'
import type { Sound } from '../datasets/dataset.ts'
import { dataError } from '../datasets/table/data-error.ts'
import { readText } from '../datasets/table/read-table.ts'
import { readWav } from '../datasets/wav-folder.ts'

/** A recording and its transcript. */
export interface SpeechClip {
  /** Path of the file. */
  readonly source: string
  readonly text: string
  read(): Promise<Sound>
}

export interface SpeechDataset {
  readonly source: string
  readonly clips: readonly SpeechClip[]
}

/**
 * Recordings with transcripts: lines of `path<TAB>text`, with paths of WAV files that are relative to the table; of a folder its
 * `transcripts.tsv`.
 * @throws TpError TP_DATA
 */
export async function readSpeech(
  path: string,
  { limit = Number.POSITIVE_INFINITY }: { readonly limit?: number | undefined } = {},
): Promise<SpeechDataset> {
  const table = (await isFolder(path)) ? join(path, 'transcripts.tsv') : path
  const lines = (await readText(table)).split(/\r?\n/)
  const clips = lines.flatMap((line, i): SpeechClip[] => {
    if (line.trim() === '') return []
    const [file, text, ...others] = line.split('\t')
    if (file === undefined || text === undefined || others.length > 0) {
      throw dataError(`${table}, line ${i + 1}`, 'is not the path of a WAV file, a tab, and its transcript')
    }
    if (wordsOf(text).length === 0) {
      throw dataError(`${table}, line ${i + 1}`, `has no words in its transcript, ${JSON.stringify(text.slice(0, 40))}`)
    }
    const source = resolve(dirname(table), file)
    return [{ source, text, read: () => readWav(source) }]
  })
  if (clips.length === 0) throw dataError(table, 'holds no recordings')
  return { source: table, clips: clips.slice(0, limit) }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
