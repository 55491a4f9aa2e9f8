import { DynamicCache, Tensor } from '@huggingface/transformers'
import { TpError } from '@tp/core'
import { replace } from './replace.ts'

/** The parts of a model of transformers.js that are used here. */
interface CachingModel {
  readonly sessions: Readonly<Record<string, OrtSession | undefined>>
  forward(inputs: DecoderInputs): Promise<object>
}

/** The inputs that `generate()` gives a decoder. */
type DecoderInputs = Readonly<Record<string, unknown>> & {
  readonly input_ids?: Tensor
  readonly past_key_values?: DynamicCache | null
}

/** A session of the onnxruntime that transformers.js uses. */
interface OrtSession {
  readonly inputMetadata: readonly {
    readonly name: string
    readonly type: string
    readonly shape: readonly (number | string)[]
  }[]
}

/**
 * Lets transformers.js run a decoder whose caches are of 8 bits, as `tp quantize --caches` writes it. It knows of keys and values, and
 * begins with empty ones; their scales, which are caches like these, are begun here. All else is `generate()` as it is: batches, streamers,
 * stopping, and further turns on `past_key_values`.
 *
 * @param model a model of transformers.js, or the `model` of a pipeline
 * @throws TpError TP_MODEL for a model that is no decoder in one file, or whose caches have no scales
 *
 * @example
 * const generator = await pipeline('text-generation', 'smollm2-caches-int8', { dtype: 'fp32' })
 * startEightBitCaches(generator.model)
 */
export function startEightBitCaches(model: object): void {
  const decoder = model as CachingModel
  const caches = decoder.sessions?.model?.inputMetadata?.filter(({ name }) => name.startsWith('past_key_values.')) ?? []
  if (!caches.some(({ name }) => name.endsWith('_scale'))) {
    const seen = caches.length === 0 ? 'the model is no decoder in one file' : 'the caches of this model have no scales'
    throw new TpError('TP_MODEL', 'transformers', `${seen}; give one that tp quantize --caches has written`)
  }
  replace(decoder, 'forward', (forward) => (inputs) => {
    const { input_ids: ids, past_key_values: past } = inputs
    if (past && Object.keys(past).length > 0) return forward.call(decoder, inputs)
    const begun = past ?? new DynamicCache()
    begun.update(emptyCaches(caches, ids?.dims[0] ?? 1))
    return forward.call(decoder, { ...inputs, past_key_values: begun })
  })
}

/** Caches of no tokens: of the sizes that are not numbers, the first is that of the batch. */
function emptyCaches(caches: OrtSession['inputMetadata'], batch: number): Record<string, Tensor> {
  return Object.fromEntries(
    caches.map(({ name, type, shape }) => {
      const dims = shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? batch : 0))
      return [
        name,
        new Tensor(type as 'int8' | 'float32', type === 'int8' ? new Int8Array() : new Float32Array(), dims),
      ]
    }),
  )
}
