import { existsSync } from 'node:fs'
import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { processorMs, timeInTurns, withDecoder, withSessions } from '@tp/compare'
import type { QuantizeOptions } from '@tp/compiler'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { openSpeechDecoder, readSpeech, type SpeechDecoder } from '@tp/data'
import { type WordErrors, wordErrorRate, wordErrors, wordsOf } from '@tp/metrics'
import { nativeRuntime } from '@tp/runtime-native'
import { shuffled } from '../chooser/grid.ts'
import { reportsPath } from '../files.ts'
import { type Speeds, speedsByBatch } from '../measure/speeds.ts'
import { tp } from '../outside/command-line.ts'
import { dynamicText } from '../outside/measure-rivals.ts'
import { settingText } from '../outside/setting-text.ts'
import { readJsonLines } from '../report/json-lines.ts'
import { surroundings } from '../report/section.ts'
import { type CutRecording, cutRecording, dividedClips } from '../speech/cut-recording.ts'
import { clipInputs, pathIn, type Spoken, type Written, writeClips } from '../speech/write-down.ts'
import { rangeArguments } from './files.ts'
import type { MeasureOptions } from './measure-model.ts'
import { type EightBitForm, type Measurement, recordRow } from './rows.ts'
import { sameLogits, sameStates } from './same-speech.ts'

/** Clips that are compared bit by bit, and that are timed. */
const [COMPARED, TIMED] = [12, 6]

/** Milliseconds of the times of a shape. */
const BUDGET_MS = 60_000

function settingOf(form: EightBitForm, weights: QuantizeOptions): string {
  if (form === 'published') return 'float32, as published'
  if (form === 'dynamic') return dynamicText(weights)
  return `${settingText({ format: 1, method: 'none', quantize: weights })}${form === 'packed' ? ', encoder packed' : ''}`
}

/** The two files of a form, by the path of each. */
interface SpeechFiles {
  readonly encoder: string
  readonly decoder: string
}

/**
 * Measures a model of speech in each form: word errors of encoder and decoder together, and the bits of each alone and in batches.
 * @param folder has onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx
 * @param tables of recordings with their transcripts; long ones are cut at their pauses
 */
export async function measureSpeech(
  name: string,
  folder: string,
  tables: readonly string[],
  options: MeasureOptions,
): Promise<void> {
  const { runtime, weights, onProgress } = options
  onProgress('its files')
  const files = await speechFiles(name, folder, options)
  const recordings: CutRecording[] = []
  for (const table of tables) {
    for (const clip of (await readSpeech(table)).clips) recordings.push(await cutRecording(clip))
  }
  const { machine } = await surroundings(runtime)
  const measured: Measured = {
    ...{ name, recordings, onProgress, forms: [...files.keys()] },
    how: { folder, rate: recordings[0]?.rate ?? 0 },
    open(form, graph, threads = 1) {
      const path = files.get(form)?.[graph] as string
      // Decoders are not packed.
      return (form === 'packed' && graph === 'encoder' ? nativeRuntime() : runtime).load(path, { threads })
    },
    decoderOf: (session) => openSpeechDecoder(session, pathIn(folder, 'decoder_model_merged')),
    record: (model, form, row) =>
      recordRow({ model, form, setting: settingOf(form, weights), ...row }, { machine, weights }),
  }
  if (options.parts.includes('answers')) {
    // Losses are over the published form.
    const forms = measured.forms.filter((own) => own === 'published' || options.answered.includes(own))
    await measureWordErrors(measured, forms)
    await measureBits(measured, forms)
  }
  if (options.parts.includes('times')) await measureTimes(measured, 1)
  if (options.parts.includes('two-threads')) await measureTimes(measured, 2)
}

/** Recordings and the forms of a model that answers to them. */
interface Measured {
  readonly name: string
  readonly recordings: readonly CutRecording[]
  readonly forms: readonly EightBitForm[]
  readonly how: Omit<Reading, 'session'>
  readonly onProgress: (done: string) => void
  readonly open: (form: EightBitForm, graph: keyof SpeechFiles, threads?: number) => Promise<Session>
  readonly decoderOf: (session: Session) => Promise<SpeechDecoder>
  readonly record: (model: string, form: EightBitForm, row: Partial<Measurement>) => Promise<void>
}

async function measureWordErrors(measured: Measured, forms: readonly EightBitForm[]): Promise<void> {
  const { name, recordings, how, open, decoderOf, record, onProgress } = measured
  onProgress('word errors')
  const path = reportsPath(`eight-bits/${name}/texts.jsonl`)
  const known = await readJsonLines<Written & { readonly form: string }>(path)
  const texts = new Map(known.map((row) => [`${row.form}: ${row.clip}`, row.text]))
  const opening = forms.flatMap((form) => (['encoder', 'decoder'] as const).map((graph) => () => open(form, graph)))
  await withSessions(opening, async (sessions) => {
    const decoders = await Promise.all(forms.map((_, i) => decoderOf(sessions[2 * i + 1] as Session)))
    // All forms of a recording before the next: what is there when a run is ended can be compared.
    for (const own of shuffled([...recordings], 3)) {
      for (const [i, form] of forms.entries()) {
        const missing = own.clips.filter((clip) => !texts.has(`${form}: ${clip.name}`))
        const writer = { session: sessions[2 * i] as Session, decoder: decoders[i] as SpeechDecoder, ...how }
        await writeClips(writer, missing, async (written) => {
          texts.set(`${form}: ${written.clip}`, written.text)
          await appendFile(path, `${JSON.stringify({ form, ...written })}\n`)
        })
      }
    }
  })
  const errors = errorsOf(recordings, forms, (form, clip) => texts.get(`${form}: ${clip.name}`) ?? '')
  const [dense] = errors
  for (const [i, form] of forms.entries()) {
    const own = errors[i] as WordErrors
    const loss = form === 'published' ? undefined : wordErrorRate([own], dense)
    await record(name, form, { metric: 'word errors', quality: wordErrorRate([own]), ...(loss && { loss }) })
  }
}

/** The same bits alone and in batches, of a few clips. */
async function measureBits(measured: Measured, forms: readonly EightBitForm[]): Promise<void> {
  const { name, how, open, record, onProgress } = measured
  const some = someClips(measured, 11, COMPARED)
  const states = await statesOf(some, await open('published', 'encoder'), how)
  for (const form of forms) {
    onProgress(`bits: ${form}`)
    await using encoder = await open(form, 'encoder')
    const feeds = await Promise.all(some.map(async (clip) => feedsOf(clip, { ...how, session: encoder })))
    await record(name, form, { same: { batches: await sameStates(encoder, feeds) } })
    if (form === 'packed') continue
    await using decoder = await open(form, 'decoder')
    await record(`${name}, decoder`, form, { same: { 'padded right': await sameLogits(decoder, states) } })
  }
}

async function measureTimes(measured: Measured, threads: 1 | 2): Promise<void> {
  const { name, forms, how, open, decoderOf, record, onProgress } = measured
  onProgress(`times, ${threads} thread${threads === 1 ? '' : 's'}`)
  const timing = { budgetMs: BUDGET_MS, leastRounds: 3, rounds: 30, ...(threads === 1 && { clock: processorMs }) }
  const opening = (['encoder', 'decoder'] as const).flatMap((graph) =>
    forms.map((form) => () => open(form, graph, threads)),
  )
  const speeds = await withSessions(opening, async (sessions) => {
    const encoders = sessions.slice(0, forms.length)
    const session = encoders[0] as Session
    const clips = someClips(measured, 5, TIMED)
    const feeds = await Promise.all(clips.map((clip) => feedsOf(clip, { ...how, session })))
    const whole = await Promise.all(
      encoders.map(async (own, i) => withDecoder(own, await decoderOf(sessions[forms.length + i] as Session))),
    )
    const shapes = new Map([
      ['encoder', feeds],
      ['encoder and decoder', [...feeds]],
    ])
    return await speedsByBatch(shapes, async (own) => {
      return (await timeInTurns(own === feeds ? encoders : whole, own, timing)).latencies
    })
  })
  const column = threads === 1 ? 'speed' : 'speedOfTwo'
  for (const [i, form] of forms.entries()) await record(name, form, { [column]: speeds[i] as Speeds })
}

function someClips({ recordings }: Measured, seed: number, count: number): Spoken[] {
  const clips = recordings.flatMap((own) => own.clips)
  return shuffled(clips, seed).slice(0, count)
}

async function speechFiles(
  name: string,
  folder: string,
  { rivals, isNew, weights }: MeasureOptions,
): Promise<ReadonlyMap<EightBitForm, SpeechFiles>> {
  const published = { encoder: pathIn(folder, 'encoder_model'), decoder: pathIn(folder, 'decoder_model_merged') }
  const files = new Map<EightBitForm, SpeechFiles>([['published', published]])
  const make = async (file: string, write: (out: string) => Promise<unknown>): Promise<string> => {
    const out = reportsPath(`eight-bits/${name}/${file}.onnx`)
    await mkdir(dirname(out), { recursive: true })
    if (isNew || !existsSync(out)) await write(out)
    return out
  }
  const both = async (form: EightBitForm, write: (path: string, out: string) => Promise<unknown>): Promise<void> => {
    const encoder = await make(`${form}-encoder`, (out) => write(published.encoder, out))
    files.set(form, { encoder, decoder: await make(`${form}-decoder`, (out) => write(published.decoder, out)) })
  }
  if (rivals !== undefined) await both('dynamic', (path, out) => rivals.quantizeDynamic(path, out, weights))
  await both('token', (path, out) => tp('quantize', path, '-o', out, ...rangeArguments(weights)))
  const { encoder, decoder } = files.get('token') as SpeechFiles
  files.set('packed', { encoder: await make('packed-encoder', (out) => tp('pack', encoder, '-o', out)), decoder })
  return files
}

type Reading = Parameters<typeof clipInputs>[1]

async function feedsOf(clip: Spoken, how: Reading): Promise<NamedTensors> {
  return await (await clipInputs(clip, how)).feeds([0])
}

/** States of clips by the encoder in float32, which is closed. */
async function statesOf(
  clips: readonly Spoken[],
  encoder: Session,
  how: Omit<Reading, 'session'>,
): Promise<NamedTensors[]> {
  await using session = encoder
  const all: NamedTensors[] = []
  for (const clip of clips) all.push(await session.run(await feedsOf(clip, { ...how, session })))
  return all
}

/** Word errors by clip, of each form. */
function errorsOf(
  recordings: readonly CutRecording[],
  forms: readonly EightBitForm[],
  textOf: (form: EightBitForm, clip: Spoken) => string,
): WordErrors[] {
  const clips = recordings.flatMap(({ recording, clips: own }) =>
    dividedClips(
      recording,
      own.map((clip) => forms.map((form) => textOf(form, clip))),
    ),
  )
  const of = clips.map(({ said }) => said.length)
  return forms.map((_, form) => {
    const got = clips.map(({ said, texts, language }) => wordErrors(said, wordsOf(texts[form] as string, language)))
    return { figures: { wer: { got, of } } }
  })
}
