import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import type { TuneOptions } from '../options.ts'

export interface TuneSpeechOptions
  extends Pick<
    TuneOptions,
    | 'model'
    | 'variants'
    | 'runtime'
    | 'load'
    | 'maxLoss'
    | 'known'
    | 'onMeasured'
    | 'onSkipped'
    | 'onProgress'
    | 'signal'
  > {
  /** Recordings that no later report uses, with their transcripts. Half of them choose, the others verify. */
  readonly inputs: SpeechInputs
  /** Writes down what the encoder hears; it is not changed. */
  readonly decoder: SpeechDecoder
}
