import { headWeights, isQuantized, type Refusal } from '@tp/compiler'
import type { Model } from '@tp/onnx'
import type { Trains } from '../weights.ts'

/** Weights that learn: all but embeddings, scales and biases, those after the last layer, or only the values of a method. */
export const trainableParts = ['all', 'vectors', 'head', 'method'] as const
export type TrainablePart = (typeof trainableParts)[number]

/** Why no matrix of a quantized model learns. */
const rounded: Refusal = {
  code: 'TP_QUANTIZED',
  message:
    'the weights of this model are in 8 bits or fewer, and such weights do not learn; train the float32 file it was made from, or of 8 bits a method alone (method), or scales and biases (vectors)',
}

/** @returns a refusal where the head of the model is not found, and for quantized weights */
export function trainsOf(
  part: TrainablePart,
  model: Model,
  encoder?: string,
): { readonly ok: true; readonly trains: Trains | undefined } | { readonly ok: false; readonly refusal: Refusal } {
  const isRounded = (part === 'all' || part === 'head') && isQuantized(model)
  if (isRounded) return { ok: false, refusal: rounded }
  switch (part) {
    case 'all':
      return { ok: true, trains: undefined }
    case 'vectors':
      return { ok: true, trains: (_, dims) => dims.length === 1 }
    case 'method':
      return { ok: true, trains: () => false }
    case 'head': {
      const head = headWeights(model, encoder === undefined ? {} : { encoder })
      return head.ok ? { ok: true, trains: (name) => head.names.has(name) } : head
    }
  }
}
