import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { wordsOf } from '@tp/metrics'
import type { Sound } from '../datasets/dataset.ts'
import { dataError } from '../datasets/table/data-error.ts'
import { linesOf } from '../datasets/table/lines.ts'
import { readText } from '../datasets/table/read-table.ts'
import { readWav } from '../datasets/wav-folder.ts'

/** A recording and its transcript. */
export interface SpeechClip {
  /** Path of the file. */
  readonly source: string
  readonly text: string
  /** Its code, as Whisper has it: `de`; absent: English. */
  readonly language?: string
  read(): Promise<Sound>
}

export interface SpeechDataset {
  readonly source: string
  readonly clips: readonly SpeechClip[]
}

/**
 * Recordings with transcripts: lines of `path<TAB>text` or `path<TAB>text<TAB>language`, with paths of WAV files that are relative to the
 * table; of a folder its `transcripts.tsv`. Languages by their codes: `de`; English where there is none.
 * @throws TpError TP_DATA
 */
export async function readSpeech(
  path: string,
  { limit = Number.POSITIVE_INFINITY }: { readonly limit?: number | undefined } = {},
): Promise<SpeechDataset> {
  const table = (await isFolder(path)) ? join(path, 'transcripts.tsv') : path
  const lines = [...linesOf(await readText(table))]
  const clips = lines.flatMap((line, i): SpeechClip[] => {
    if (line.trim() === '') return []
    const [file, text, language, ...others] = line.split('\t')
    if (file === undefined || text === undefined || others.length > 0) {
      throw dataError(
        `${table}, line ${i + 1}`,
        'is not the path of a WAV file, a tab, its transcript, and perhaps a tab and its language',
      )
    }
    if (!wordsOf(text, language).some((word) => /[\p{L}\p{N}]/u.test(word))) {
      throw dataError(`${table}, line ${i + 1}`, `has no words in its transcript, ${JSON.stringify(text.slice(0, 40))}`)
    }
    if (language !== undefined && !/^[a-z]{2,3}$/.test(language)) {
      const seen = `has the language ${JSON.stringify(language.slice(0, 40))}`
      throw dataError(`${table}, line ${i + 1}`, `${seen}; give its code of two or three letters, such as de`)
    }
    const source = resolve(dirname(table), file)
    return [{ source, text, ...(language !== undefined && { language }), read: () => readWav(source) }]
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
