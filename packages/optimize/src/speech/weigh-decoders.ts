import { isRefused, type Refusal, readAnyStates, transform, weighStates } from '@tp/compiler'
import type { Model } from '@tp/onnx'

/** Decoders that weigh the states of an encoder; or why they cannot, and remain as they are. */
export type WeighedDecoders =
  | { readonly ok: true; readonly decoders: readonly Model[] }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * Makes all decoders of an encoder read any number of its states and weigh each as the encoder does: without past, with past, merged; or none of them, since the
 * files of a folder read the same states.
 * @param encoder dense, or pruned with `restore: 'weighed'`
 * @throws whatever is not a refusal
 */
export function weighDecoders(encoder: Model, decoders: readonly Model[]): WeighedDecoders {
  try {
    return {
      ok: true,
      decoders: decoders.map((decoder) => transform(decoder, readAnyStates(), weighStates({ encoder })).model),
    }
  } catch (error) {
    if (isRefused(error)) return { ok: false, refusal: error.refusal }
    throw error
  }
}
