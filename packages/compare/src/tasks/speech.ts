import { TpError } from '@tp/core'
import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import { mean, wordErrorRate } from '@tp/metrics'
import { type Transcription, transcribe } from '../answers/transcribe.ts'
import type { Comparer } from './comparer.ts'

const WER = 'WER'
const CHANGE = 'points more'
const STATES = 'states'
const MEGABYTES = 'MB of states'
const SAME = 'same text'
const REPEATS = 'repeats'

/** How many words of recordings a decoder gets wrong that reads the states of a pruned encoder, and how many more than of the dense one; and in how many texts the decoder repeated itself. */
export function speechComparer(inputs: SpeechInputs, decoder: SpeechDecoder): Comparer<Transcription> {
  return {
    run: (session, options) => transcribe(session, decoder, inputs, options),
    dense: (dense) => ({
      cells: {
        [WER]: { interval: wordErrorRate([dense]) },
        [CHANGE]: undefined,
        [STATES]: { number: statesOf([dense]), digits: 0 },
        [MEGABYTES]: { number: bytesOf([dense]) / 1e6, digits: 2 },
        [SAME]: undefined,
        [REPEATS]: { number: repeatsOf([dense]), digits: 0 },
      },
      content: {
        wer: wordErrorRate([dense]),
        states: statesOf([dense]),
        stateBytes: bytesOf([dense]),
        texts: dense.texts,
        repeats: dense.repeats.map((by) => by ?? null),
      },
    }),
    pruned(outcomes, dense) {
      const rate = wordErrorRate(outcomes)
      const change = wordErrorRate(outcomes, dense)
      const same = mean(outcomes.map(({ texts }) => mean(texts.map((text, i) => (text === dense.texts[i] ? 1 : 0)))))
      const [first] = outcomes
      return {
        cells: {
          [WER]: { interval: rate },
          [CHANGE]: { points: change },
          [STATES]: { number: statesOf(outcomes), digits: 0 },
          [MEGABYTES]: { number: bytesOf(outcomes) / 1e6, digits: 2 },
          [SAME]: { percent: 100 * same, digits: 0 },
          [REPEATS]: { number: repeatsOf(outcomes), digits: 0 },
        },
        content: {
          wer: rate,
          change,
          states: statesOf(outcomes),
          stateBytes: bytesOf(outcomes),
          same,
          texts: first.texts,
          repeats: first.repeats.map((by) => by ?? null),
        },
        loss: { unit: 'points of word errors', interval: change, same: false },
        // Losses of figures are of what is right.
        paired: {
          name: WER,
          figure: { got: first.figures.wer.got.map((errors) => -errors), of: first.figures.wer.of },
          correct: undefined,
        },
      }
    },
    nearness() {
      throw new TpError('TP_OPTION', 'compare', 'transcripts have no measure of nearness; compare their word errors')
    },
  }
}

/** States that the decoder reads, on average. */
function statesOf(outcomes: readonly Transcription[]): number {
  return mean(outcomes.map(({ states }) => mean(states)))
}

/** Recordings over which the decoder repeated itself, on average: the whole encoder wrote them down in the end. */
function repeatsOf(outcomes: readonly Transcription[]): number {
  return mean(outcomes.map(({ repeats }) => repeats.filter((by) => by !== undefined).length))
}

/** Bytes that go from the encoder to the decoder, on average. */
function bytesOf(outcomes: readonly Transcription[]): number {
  return mean(outcomes.map(({ stateBytes }) => mean(stateBytes)))
}
