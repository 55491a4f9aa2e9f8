import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { points } from '@tp/compare'
import { TpError } from '@tp/core'
import { median } from '@tp/core/statistics'
import { errorsOfBeginnings, pairedBootstrap, quantile, type WordErrors, wordErrorRate, wordsOf } from '@tp/metrics'
import { reportsPath } from '../files.ts'
import { readJsonLines } from '../report/json-lines.ts'
import { markdownTable, type TableColumns, tableOf } from '../report/table.ts'
import { hardClips } from './hard-clips.ts'
import { openPipelines, type SpeechWay, type Transcript } from './pipelines.ts'
import { repeats } from './repeats.ts'
import { spokenClips } from './spoken-clips.ts'
import type { Spoken } from './write-down.ts'

const WAYS: readonly SpeechWay[] = [
  { name: 'dense', thinned: false, eightBits: 'none', quickFrames: false },
  { name: 'dense, quickFrames', thinned: false, eightBits: 'none', quickFrames: true },
  { name: 'thinned, quickFrames', thinned: true, eightBits: 'none', quickFrames: true },
  { name: 'thinned, decoder in 8 bits, quickFrames', thinned: true, eightBits: 'decoder', quickFrames: true },
  { name: 'dense, 8 bits', thinned: false, eightBits: 'all', quickFrames: false },
  { name: 'thinned, 8 bits, quickFrames', thinned: true, eightBits: 'all', quickFrames: true },
]

const KINDS = ['whole', 'cut'] as const

export const HELP: string = `Times a model of speech in transformers.js, all of it from samples to text, dense and thinned in turns on one thread.

  npm run benchmark -- speech FOLDER --data transcripts.tsv [options]

  --limit N     the first N recordings, whole, and as many that are cut; default: 40
  --rounds N    default: 2

FOLDER has onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx. Of --data, recordings of 1.5 to 10 s are taken, and cut as \`loops\` cuts them. Each run is kept in
reports/speech.jsonl, and not done again.
`

interface Run extends Transcript {
  readonly way: string
  readonly clip: string
  readonly round: number
}

interface TimedClip extends Spoken {
  readonly kind: (typeof KINDS)[number]
  /** That of the whole recording, of cut clips, too. */
  readonly transcript: string
}

/** @throws TpError TP_OPTION, TP_DATA, and those of refusals */
export async function timeSpeech(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: text, limit: { ...text, default: '40' }, rounds: { ...text, default: '2' } },
  })
  const [folder] = positionals
  const [limit, rounds] = [Number(values.limit), Number(values.rounds)]
  if (folder === undefined || values.data === undefined || !(limit >= 1) || !(rounds >= 1))
    throw new TpError('TP_OPTION', 'benchmark', `give a folder, --data PATH, and counts from 1\n\n${HELP}`)
  const clips = await timedClips(values.data, limit)
  const path = reportsPath('speech.jsonl')
  const runs = new Map((await readJsonLines<Run>(path)).map((run) => [keyOf(run), run]))
  await mkdir(dirname(path), { recursive: true })
  await using pipelines = await openPipelines(folder, WAYS)
  // Nothing of the first run counts: memory is taken, and code compiled.
  for (const way of WAYS) await pipelines.transcribe(way, clips[0] as TimedClip)
  for (let round = 0; round < rounds; round++) {
    for (const clip of clips) {
      for (const way of WAYS) {
        const own = { way: way.name, clip: clip.name, round }
        if (runs.has(keyOf(own))) continue
        const run = { ...own, ...(await pipelines.transcribe(way, clip)) }
        runs.set(keyOf(own), run)
        await appendFile(path, `${JSON.stringify(run)}\n`)
      }
    }
  }
  for (const kind of KINDS) {
    const own = clips.filter((clip) => clip.kind === kind)
    process.stdout.write(`${kind}\n\n${markdownTable(tableOf('', columnsOf(own, runs, rounds), WAYS))}\n\n`)
  }
  return 0
}

function keyOf({ way, clip, round }: Omit<Run, keyof Transcript>): string {
  return `${way}: ${clip}, ${round}`
}

async function timedClips(data: string, limit: number): Promise<TimedClip[]> {
  const { speech, rate } = await spokenClips(data)
  const transcriptOf = (i: number): string => speech[i % speech.length]?.text as string
  const whole = speech.slice(0, limit).map(({ samples, text }, i): TimedClip => {
    return { name: `whole ${i}`, kind: 'whole', samples, transcript: text }
  })
  const hard = hardClips(
    speech.map(({ samples }) => samples),
    rate,
  )
  const cut = hard.flatMap(({ name, kind, samples }, i): TimedClip[] =>
    kind === 'cut' && i < limit ? [{ name, kind, samples, transcript: transcriptOf(i) }] : [],
  )
  return [...whole, ...cut]
}

function columnsOf(
  clips: readonly TimedClip[],
  runs: ReadonlyMap<string, Run>,
  rounds: number,
): TableColumns<SpeechWay> {
  const runsOf = (way: string): Run[][] =>
    clips.map(({ name }) =>
      Array.from({ length: rounds }, (_, round) => runs.get(keyOf({ way, clip: name, round })) as Run),
    )
  const timesOf = (way: string): number[] => runsOf(way).map((own) => median(own.map(({ ms }) => ms)))
  const textsOf = (way: string): string[] => runsOf(way).map(([first]) => first?.text as string)
  const dense = WAYS[0]?.name as string
  const errorsOf = (way: string): WordErrors => {
    const pairs = textsOf(way).map((text, i) => errorsIn(text, clips[i] as TimedClip))
    return { figures: { wer: { got: pairs.map(({ got }) => got), of: pairs.map(({ of }) => of) } } }
  }
  const ratiosOf = (way: string): number[] => timesOf(way).map((ms, i) => (timesOf(dense)[i] as number) / ms)
  return {
    way: ({ name }) => name,
    clips: () => String(clips.length),
    'ms of a clip': ({ name }) => median(timesOf(name)).toFixed(0),
    'times as fast, median (tenth … ninetieth percentile)': ({ name }) => {
      const ratios = ratiosOf(name)
      return `${quantile(ratios, 0.5).toFixed(2)} (${quantile(ratios, 0.1).toFixed(2)} … ${quantile(ratios, 0.9).toFixed(2)})`
    },
    'of all clips together': ({ name }) => {
      const [base, own] = [timesOf(dense), timesOf(name)]
      const { estimate, low, high } = pairedBootstrap(clips.length, (examples) => {
        const sumOf = (times: readonly number[]): number => examples.reduce((sum, i) => sum + (times[i] as number), 0)
        return sumOf(base) / sumOf(own)
      })
      return `${estimate.toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`
    },
    'word errors': ({ name }) => points(wordErrorRate([errorsOf(name)])),
    'points more': ({ name }) => points(wordErrorRate([errorsOf(name)], errorsOf(dense))),
    'same text': ({ name }) => {
      const own = textsOf(name)
      return String(textsOf(dense).filter((text, i) => text === own[i]).length)
    },
    'repeat themselves': ({ name }) => String(textsOf(name).filter(repeats).length),
  }
}

/** Word errors; of a cut clip those against the nearest beginning of its transcript, so that what it does not hold does not count. */
function errorsIn(text: string, { kind, transcript }: TimedClip): { readonly got: number; readonly of: number } {
  const said = wordsOf(transcript)
  const errors = errorsOfBeginnings(said, wordsOf(text))
  const count = kind === 'whole' ? said.length : errors.lastIndexOf(Math.min(...errors))
  return { got: errors[count] as number, of: Math.max(1, count) }
}
