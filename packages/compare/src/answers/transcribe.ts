import { WEIGHTS } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { AbortSignalLike, NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import { isTrace, wordErrors, wordsOf } from '@tp/metrics'
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
}

/**
 * Writes down recordings: `session` is the encoder, and the decoder is always the same, in the form that reads its states. One example at a time.
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
  const reader = readerOf(session, decoder)
  const run = await runExamples(session, inputs, { ...options, batchSize: 1 }, async ({ outputs, positions }) => {
    const [position] = positions as [number]
    const own = statesIn(outputs)
    texts[position] = await reader.transcribe(own, options.signal, inputs.languages?.[position])
    states[position] = own.dims[1] as number
    stateBytes[position] = (own.data as Float32Array).byteLength
  })
  const pairs = texts.map((text, i) => {
    const language = inputs.languages?.[i]
    return [wordsOf(inputs.texts[i] as string, language), wordsOf(text, language)] as const
  })
  const wer = { got: pairs.map(([said, written]) => wordErrors(said, written)), of: pairs.map(([said]) => said.length) }
  return { task: 'asr', figures: { wer }, texts, states, stateBytes, ...run }
}

/** The languages of recordings by their inputs, the same objects that a session is run on. */
export type InputLanguages = ReadonlyMap<NamedTensors, string | undefined>

/**
 * An encoder with its decoder as one session that is timed as a whole, a token at a time: `run` has no outputs. Inputs without a language are
 * written down in English.
 */
export function withDecoder(session: Session, own: SpeechDecoder, languages?: InputLanguages): SteppedSession {
  const decoder = readerOf(session, own)
  return {
    ...session,
    async *steps(inputs) {
      const states = statesIn(await session.run(inputs))
      yield
      const language = languages?.get(inputs)
      if (decoder.steps) yield* decoder.steps(states, undefined, language)
      else await decoder.transcribe(states, undefined, language)
    },
    async run(inputs: NamedTensors, options: { readonly signal?: AbortSignalLike | undefined } = {}) {
      const states = statesIn(await session.run(inputs, options))
      await decoder.transcribe(states, options.signal, languages?.get(inputs))
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
