import { type Transcription, transcribe } from '@tp/compare'
import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import { wordErrorRate } from '@tp/metrics'
import { interval, points } from '../output/numbers.ts'
import type { Judge } from './judge.ts'

const WER = 'WER'
const CHANGE = 'points more'
const STATES = 'states'
const MEGABYTES = 'MB of states'
const SAME = 'same text'

/** How many words of recordings a decoder gets wrong that reads the states of a pruned encoder, and how many more than of the dense one. */
export function asrJudge(inputs: SpeechInputs, decoder: SpeechDecoder): Judge<Transcription> {
  return {
    run: (session, options) => transcribe(session, decoder, inputs, options),
    dense: (dense) => ({
      columns: {
        [WER]: interval(wordErrorRate([dense])),
        [CHANGE]: '',
        [STATES]: statesOf([dense]).toFixed(0),
        [MEGABYTES]: megabytes([dense]),
        [SAME]: '',
      },
      content: {
        wer: wordErrorRate([dense]),
        states: statesOf([dense]),
        stateBytes: bytesOf([dense]),
        texts: dense.texts,
      },
    }),
    pruned(outcomes, dense) {
      const rate = wordErrorRate(outcomes)
      const change = wordErrorRate(outcomes, dense)
      const same = mean(outcomes.map(({ texts }) => mean(texts.map((text, i) => (text === dense.texts[i] ? 1 : 0)))))
      const [first] = outcomes
      return {
        columns: {
          [WER]: interval(rate),
          [CHANGE]: points(change),
          [STATES]: statesOf(outcomes).toFixed(0),
          [MEGABYTES]: megabytes(outcomes),
          [SAME]: `${(100 * same).toFixed(0)} %`,
        },
        content: {
          wer: rate,
          change,
          states: statesOf(outcomes),
          stateBytes: bytesOf(outcomes),
          same,
          texts: first.texts,
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
  }
}

/** States that the decoder reads, on average. */
function statesOf(outcomes: readonly Transcription[]): number {
  return mean(outcomes.map(({ states }) => mean(states)))
}

/** Bytes that go from the encoder to the decoder, on average. */
function bytesOf(outcomes: readonly Transcription[]): number {
  return mean(outcomes.map(({ stateBytes }) => mean(stateBytes)))
}

function megabytes(outcomes: readonly Transcription[]): string {
  return (bytesOf(outcomes) / 1e6).toFixed(2)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
