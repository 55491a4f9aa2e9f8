import type { SpeechDecoder, SpeechInputs } from '@tp/data'
import type { OptimizeOptions, Variant } from '../options.ts'

export interface SpeechOptions
  extends Pick<
    OptimizeOptions,
    'model' | 'runtime' | 'load' | 'maxLoss' | 'known' | 'onMeasured' | 'onSkipped' | 'onProgress' | 'signal'
  > {
  readonly variants: readonly Variant[]
  /** Recordings that no later report uses, with their transcripts. Half of them choose, the others verify. */
  readonly inputs: SpeechInputs
  /** Writes down what the encoder hears; it is not changed. */
  readonly decoder: SpeechDecoder
}
