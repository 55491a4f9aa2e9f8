import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { quantile } from '@tp/metrics'
import { reportsPath } from '../files.ts'
import { readJsonLines } from '../report/json-lines.ts'
import { plainTable, type TableColumns, tableOf } from '../report/table.ts'
import { type HardClip, hardClips, hardKinds } from './hard-clips.ts'
import { repeats } from './repeats.ts'
import { spokenClips } from './spoken-clips.ts'
import { type SpeechForm, type Written, writeDown } from './write-down.ts'

const FORMS: readonly SpeechForm[] = [
  { name: 'thinned', thinned: true, eightBits: false },
  { name: 'thinned-8', thinned: true, eightBits: true },
  { name: 'dense', thinned: false, eightBits: false },
  { name: 'dense-8', thinned: false, eightBits: true },
]

export const HELP: string = `Counts the texts in which a decoder of speech repeats itself, dense and thinned, on 300 hard clips.

  npm run benchmark -- loops FOLDER --data transcripts.tsv [options]

  --forms A,B        of ${FORMS.map(({ name }) => name).join(', ')} (8: in 8 bits); default: all, one after the other
  --every N          one of every N positions of padding is kept; default: that of the method
  --margin N         N positions at the beginning of padding are all kept; default: that of the method
  --limit N          the first N clips of each kind

FOLDER has onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx. Of --data, recordings of 1.5 to 10 s are taken. Each text is kept in
reports/loops.jsonl, and not written down again.
`

/** By form and clip. */
type Texts = Map<string, Written>

/** @throws TpError TP_OPTION, TP_DATA, and those of refusals */
export async function countLoops(runtime: Runtime, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: text, forms: text, every: text, margin: text, limit: text },
  })
  const [folder] = positionals
  if (folder === undefined || values.data === undefined) throw wrong(`give a folder, and --data PATH\n\n${HELP}`)
  const forms = values.forms?.split(',').map(formOf) ?? FORMS
  const number = (name: 'every' | 'margin' | 'limit'): number | undefined => {
    const value = values[name] === undefined ? undefined : Number(values[name])
    if (value !== undefined && !Number.isInteger(value)) throw wrong(`--${name} is ${values[name]}; it is a number`)
    return value
  }
  const limit = number('limit') ?? Number.POSITIVE_INFINITY
  const params = Object.fromEntries(
    (['every', 'margin'] as const).flatMap((name) => (values[name] === undefined ? [] : [[name, number(name) ?? 0]])),
  )
  const { speech, rate } = await spokenClips(values.data)
  const made = hardClips(
    speech.map(({ samples }) => samples),
    rate,
  )
  const clips = hardKinds.flatMap((kind) => made.filter((clip) => clip.kind === kind).slice(0, limit))
  const path = reportsPath('loops.jsonl')
  const texts = await readTexts(path)
  const how = Object.entries(params).map(([name, value]) => ` ${name} ${value}`)
  const nameOf = ({ name, thinned }: SpeechForm): string => (thinned ? `${name}${how.join('')}` : name)
  for (const form of forms) {
    const missing = clips.filter(({ name }) => !texts.has(`${nameOf(form)}: ${name}`))
    if (missing.length === 0) continue
    await writeDown(runtime, { folder, form, params, rate }, missing, async (written) => {
      texts.set(`${nameOf(form)}: ${written.clip}`, written)
      await mkdir(dirname(path), { recursive: true })
      await appendFile(path, `${JSON.stringify({ form: nameOf(form), ...written })}\n`)
    })
  }
  process.stdout.write(`${plainTable(tableOf('', columnsOf(clips, texts), forms.map(nameOf)))}\n`)
  return 0
}

function formOf(name: string): SpeechForm {
  const known = FORMS.find((own) => own.name === name)
  if (known === undefined) throw wrong(`there is no form ${name}; there are ${FORMS.map((own) => own.name).join(', ')}`)
  return known
}

async function readTexts(path: string): Promise<Texts> {
  const rows = await readJsonLines<Written & { readonly form: string }>(path)
  return new Map(rows.map((row) => [`${row.form}: ${row.clip}`, row]))
}

/** Loops of each kind, and how many times as fast as dense on the same clips. */
function columnsOf(clips: readonly HardClip[], texts: Texts): TableColumns<string> {
  const of = (form: string, own = clips): Written[] => own.flatMap(({ name }) => texts.get(`${form}: ${name}`) ?? [])
  const loops = (written: readonly Written[]): string =>
    `${written.filter(({ text }) => repeats(text)).length} of ${written.length}`
  const kinds = hardKinds.map((kind): [string, (form: string) => string] => [
    kind,
    (form) =>
      loops(
        of(
          form,
          clips.filter((clip) => clip.kind === kind),
        ),
      ),
  ])
  return {
    loops: (form) => form,
    all: (form) => loops(of(form)),
    'by the whole encoder': (form) => String(of(form).filter(({ repeated }) => repeated === 'whole').length),
    ...Object.fromEntries(kinds),
    'times dense': (form) => {
      const ratios = of(form).flatMap(({ clip, ms }) => {
        const dense = texts.get(`dense: ${clip}`)
        return dense === undefined ? [] : [dense.ms / ms]
      })
      return ratios.length === 0 ? '' : quantile(ratios, 0.5).toFixed(2)
    },
  }
}

function wrong(message: string): TpError {
  return new TpError('TP_OPTION', 'benchmark', message)
}
