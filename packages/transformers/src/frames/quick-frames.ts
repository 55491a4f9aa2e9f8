import { Tensor, WhisperFeatureExtractor } from '@huggingface/transformers'
import { TpError } from '@tp/core'
import { replace } from '../replace.ts'
import { fourier } from './fourier.ts'
import { melFrames } from './mel-frames.ts'

/** The feature extractor of Whisper in transformers.js, of which these parts are used. */
interface FrameExtractor {
  readonly config: {
    readonly n_samples: number
    readonly hop_length: number
    readonly n_fft: number
    readonly nb_max_frames: number
    readonly mel_filters: readonly number[][]
  }
  readonly window: Float64Array
  _call(
    samples: Float32Array,
    options?: { readonly max_length?: number | null },
  ): Promise<{ readonly input_features: Tensor }>
}

/**
 * Lets a pipeline for speech recognition compute the mel frames of Whisper in a fraction of the time: a Fourier transform for their length in place of one for powers of two,
 * and no frames of the zeros that fill the window, which are all alike. Values differ by 1e-6 at most.
 *
 * @param transcriber what `pipeline('automatic-speech-recognition', …)` gives
 * @returns a function that restores it
 * @throws TpError TP_MODEL for a pipeline whose frames are not Whisper's, or whose `n_fft` is not a product of 4 and 5
 * @example
 * const transcribe = await pipeline('automatic-speech-recognition', 'whisper-base')
 * quickFrames(transcribe)
 */
export function quickFrames(transcriber: object): () => void {
  const { processor } = transcriber as { readonly processor?: { readonly feature_extractor?: unknown } }
  const own = processor?.feature_extractor
  if (!(own instanceof WhisperFeatureExtractor)) {
    throw new TpError('TP_MODEL', 'transformers', 'this is not a pipeline for speech with the mel frames of Whisper')
  }
  const extractor = own as unknown as FrameExtractor
  const {
    n_samples: window,
    hop_length: hop,
    n_fft: span,
    nb_max_frames: most,
    mel_filters: filters,
  } = extractor.config
  const transform = fourier(span)
  if (transform === undefined) {
    const seen = `frames of ${span} samples (n_fft)`
    throw new TpError(
      'TP_MODEL',
      'transformers',
      `${seen} are not computed here; Whisper's are 400, a product of 4 and 5`,
    )
  }
  const compute = melFrames(transform, { span, hop, window: extractor.window, filters })
  return replace(extractor, '_call', (original) => async (samples, options) => {
    const length = options?.max_length ?? window
    // What is too long, or not a sound, is for transformers.js to say.
    const isUsual = samples instanceof Float32Array && samples.length <= length && length / hop <= most
    if (!isUsual) return original.call(extractor, samples, options)
    return {
      input_features: new Tensor('float32', compute(samples, length), [1, filters.length, Math.floor(length / hop)]),
    }
  })
}
