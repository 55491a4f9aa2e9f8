import { hasAllPositions, POSITIONS, WEIGHTS, withoutSilence } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { AbortSignalLike, NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import { finish, type GuardedText, guardRepeats, isTrace, wordErrors, wordsOf } from '@tp/metrics'
import type { SteppedSession } from '../times/time-in-turns.ts'
import type { Outcome } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

/** The transcripts of recordings by an encoder and a decoder, by example in the data set's order. */
export interface Transcription extends Outcome<'asr'> {
  /** `wer`: word errors of each recording, and how many words it has. */
  readonly figures: { readonly wer: { readonly got: readonly number[]; readonly of: readonly number[] } }
  readonly texts: readonly string[]
  /** States that the encoder hands to the decoder, by example, and how many bytes they are. */
  readonly states: readonly number[]
  readonly stateBytes: readonly number[]
  /** Texts in which the decoder repeated itself, by example: `whole` is in their place that of the whole encoder, `none` had none at hand. */
  readonly repeats: readonly ('whole' | 'none' | undefined)[]
}

/**
 * Writes down recordings: `session` is the encoder, and the decoder is always the same, in the form that reads its states. One example at a time. Where the
 * decoder repeats itself over a pruned encoder, the text is that of `options.dense`, or of the session itself if it can keep all positions.
 * @throws TpError TP_OUTPUT for a model without states for a decoder; TP_ABORTED
 */
export async function transcribe(
  session: Session,
  decoder: SpeechDecoder,
  inputs: SpeechInputs,
  options: EvaluateOptions = {},
): Promise<Transcription> {
  const texts = new Array<string>(inputs.texts.length)
  const states = new Array<number>(inputs.texts.length)
  const stateBytes = new Array<number>(inputs.texts.length)
  const repeats = new Array<'whole' | 'none' | undefined>(inputs.texts.length)
  const { signal, dense } = options
  const clips = { session, decoder, dense, signal }
  const run = await runExamples(
    session,
    inputs,
    { ...options, batchSize: 1 },
    async ({ feeds, outputs, positions }) => {
      const [position] = positions as [number]
      const { text, repeated, byWhole } = await finish(writeClip(clips, feeds, outputs, inputs.languages?.[position]))
      texts[position] = text
      repeats[position] = repeated ? (byWhole ? 'whole' : 'none') : undefined
      const own = statesIn(outputs)
      states[position] = own.dims[1] as number
      stateBytes[position] = (own.data as Float32Array).byteLength
    },
  )
  const pairs = texts.map((text, i) => {
    const language = inputs.languages?.[i]
    return [wordsOf(inputs.texts[i] as string, language), wordsOf(text, language)] as const
  })
  const wer = { got: pairs.map(([said, written]) => wordErrors(said, written)), of: pairs.map(([said]) => said.length) }
  return { task: 'asr', figures: { wer }, texts, states, stateBytes, repeats, ...run }
}

/** An encoder and a decoder for clips, and the dense encoder for those with a loop. */
interface ClipWriter extends Pick<EvaluateOptions, 'dense' | 'signal'> {
  readonly session: Session
  readonly decoder: SpeechDecoder
}

/** Writes a clip down from what the encoder has given for it, token by token. */
function writeClip(
  { session, decoder, dense, signal }: ClipWriter,
  feeds: NamedTensors,
  outputs: NamedTensors,
  language: string | undefined,
): AsyncGenerator<void, GuardedText<string>> {
  const reader = readerOf(session, decoder)
  const canKeepAll = session.outputs.some(({ name }) => name === POSITIONS)
  return guardRepeats({
    pruned: (stop) => stepsOf(reader, statesIn(outputs), signal, language, stop),
    whole:
      dense === undefined && !canKeepAll
        ? undefined
        : async function* () {
            const whole = (await dense?.()) ?? session
            const heard = await whole.run(whole === session ? loud(feeds) : feeds, { signal })
            if (whole === session && !hasAllPositions(heard)) return undefined
            yield
            return yield* stepsOf(readerOf(whole, decoder), statesIn(heard), signal, language)
          },
  })
}

function loud(feeds: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(feeds).map(([name, frames]) => [name, withoutSilence(frames)]))
}

async function* stepsOf(
  { steps, transcribe: write }: SpeechDecoder,
  ...about: Parameters<SpeechDecoder['transcribe']>
): AsyncGenerator<void, string> {
  return steps === undefined ? await write(...about) : yield* steps(...about)
}

/** The languages of recordings by their inputs, the same objects that a session is run on. */
export type InputLanguages = ReadonlyMap<NamedTensors, string | undefined>

/**
 * An encoder with its decoder as one session that is timed as a whole, a token at a time: `run` has no outputs. Inputs without a language are
 * written down in English. `dense`: the whole encoder, for texts that repeat themselves.
 */
export function withDecoder(
  session: Session,
  decoder: SpeechDecoder,
  { languages, dense }: { readonly languages?: InputLanguages } & Pick<EvaluateOptions, 'dense'> = {},
): SteppedSession {
  async function* steps(inputs: NamedTensors, signal?: AbortSignalLike): AsyncGenerator<void, void> {
    const outputs = await session.run(inputs, { signal })
    yield
    yield* writeClip({ session, decoder, dense, signal }, inputs, outputs, languages?.get(inputs))
  }
  // A decoder in another form is refused before it is timed.
  readerOf(session, decoder)
  return {
    ...session,
    steps,
    async run(inputs: NamedTensors, options: { readonly signal?: AbortSignalLike | undefined } = {}) {
      await finish(steps(inputs, options.signal))
      return {}
    },
  }
}

/** The form of a decoder that reads the states of this encoder. @throws TpError TP_INPUT where there is none */
function readerOf({ outputs }: Session, decoder: SpeechDecoder): SpeechDecoder {
  if (outputs.every(({ name }) => name !== WEIGHTS)) return decoder
  if (decoder.weighing !== undefined) return decoder.weighing
  const seen = 'the states of the encoder say how much each counts, and the decoder does not read that'
  throw new TpError('TP_INPUT', 'compare', `${seen}; change it by weighStates, or prune with restore nearest`)
}

/** float [b,n,D] */
function statesIn(outputs: NamedTensors): TensorLike {
  const found = Object.entries(outputs).find(([name, { dims }]) => !isTrace(name) && dims.length === 3)
  if (found !== undefined) return found[1]
  const names = Object.keys(outputs).join(', ')
  throw new TpError(
    'TP_OUTPUT',
    'compare',
    `the model gives no states [batch, positions, size] for a decoder: ${names}`,
  )
}
