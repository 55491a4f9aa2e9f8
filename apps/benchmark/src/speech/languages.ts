import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { points } from '@tp/compare'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { readSpeech } from '@tp/data'
import { type Interval, type WordErrors, wordErrorRate, wordErrors, wordsOf } from '@tp/metrics'
import { reportsPath } from '../files.ts'
import { readJsonLines } from '../report/json-lines.ts'
import { markdownTable, type TableColumns, tableOf } from '../report/table.ts'
import { cutRecording, type DividedClip, dividedClips } from './cut-recording.ts'
import { repeats } from './repeats.ts'
import { type SpeechForm, type Written, writeDown } from './write-down.ts'

const FORMS: readonly SpeechForm[] = [
  { name: 'dense', thinned: false, eightBits: false },
  { name: 'thinned', thinned: true, eightBits: false },
]

/** Languages whose words are long, so that characters are counted as well. */
const CHARACTERS = new Set(['ko'])

export const HELP: string = `Counts the words that a model of speech gets wrong in each language, dense and thinned.

  npm run benchmark -- languages FOLDER --data transcripts.tsv

FOLDER has onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx. Of --data, a folder of \`npm run models -- custom-speech\`, recordings are cut at their pauses into
clips of 3 to 9 s, and the words of each transcript are divided among its clips so that dense and thinned together get the fewest wrong. Each text is kept in
reports/languages.jsonl, and not written down again.
`

/** @throws TpError TP_OPTION, TP_DATA, and those of refusals */
export async function compareLanguages(runtime: Runtime, args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string' } },
  })
  const [folder] = positionals
  if (folder === undefined || values.data === undefined)
    throw new TpError('TP_OPTION', 'benchmark', `give a folder, and --data PATH\n\n${HELP}`)
  const recordings = (await readSpeech(values.data)).clips
  const path = reportsPath('languages.jsonl')
  const texts = new Map(
    (await readJsonLines<Written & { readonly form: string }>(path)).map((row) => [`${row.form}: ${row.clip}`, row]),
  )
  await mkdir(dirname(path), { recursive: true })
  const cut = await Promise.all(recordings.map(cutRecording))
  const rate = cut[0]?.rate ?? 0
  for (const form of FORMS) {
    const missing = cut.flatMap(({ clips }) => clips.filter(({ name }) => !texts.has(`${form.name}: ${name}`)))
    if (missing.length === 0) continue
    await writeDown(runtime, { folder, form, rate }, missing, async (written) => {
      texts.set(`${form.name}: ${written.clip}`, { form: form.name, ...written })
      await appendFile(path, `${JSON.stringify({ form: form.name, ...written })}\n`)
    })
  }
  const clips = cut.flatMap(({ recording, clips }) => {
    const written = clips.map(({ name }) => FORMS.map((form) => texts.get(`${form.name}: ${name}`)?.text ?? ''))
    return dividedClips(recording, written)
  })
  process.stdout.write(`${markdownTable(tableOf('', columns, rowsOf(clips)))}\n`)
  return 0
}

interface Row {
  readonly name: string
  readonly clips: readonly DividedClip[]
  /** Word errors by form and clip. */
  readonly errors: readonly (readonly number[])[]
  readonly of: readonly number[]
}

function rowsOf(clips: readonly DividedClip[]): Row[] {
  const languages = [...new Set(clips.map(({ language }) => language))]
  const rows = languages.flatMap((language) => {
    const own = clips.filter((clip) => clip.language === language)
    const characters = (words: readonly string[]): string[] => [...words.join('')]
    return [
      rowOf(language, own, (words) => [...words]),
      ...(CHARACTERS.has(language) ? [rowOf(`${language}, characters`, own, characters)] : []),
    ]
  })
  return [...rows, rowOf('all', clips, (words) => [...words])]
}

function rowOf(name: string, clips: readonly DividedClip[], unitsOf: (words: readonly string[]) => string[]): Row {
  const errors = FORMS.map((_, form) =>
    clips.map(({ language, said, texts }) =>
      wordErrors(unitsOf(said), unitsOf(wordsOf(texts[form] as string, language))),
    ),
  )
  return { name, clips, errors, of: clips.map(({ said }) => unitsOf(said).length) }
}

const columns: TableColumns<Row> = {
  '': ({ name }) => name,
  clips: ({ clips }) => String(clips.length),
  words: ({ of }) => String(of.reduce((a, b) => a + b, 0)),
  dense: (row) => points(rateOf(row, 0)),
  'thinned: the default': (row) => points(rateOf(row, 1)),
  'points more': ({ errors: [dense, thinned], of }) =>
    points(wordErrorRate([figuresOf(thinned as number[], of)], figuresOf(dense as number[], of))),
  'same text': ({ clips }) => String(clips.filter(({ texts }) => texts[0] === texts[1]).length),
  'repeat themselves': ({ clips }) =>
    FORMS.map((_, form) => clips.filter(({ texts }) => repeats(texts[form] as string)).length).join(', '),
}

function rateOf({ errors, of }: Row, form: number): Interval {
  return wordErrorRate([figuresOf(errors[form] as number[], of)])
}

function figuresOf(got: readonly number[], of: readonly number[]): WordErrors {
  return { figures: { wer: { got, of } } }
}
