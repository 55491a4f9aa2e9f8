import { headWeights, type Refusal } from '@tp/compiler'
import type { Model } from '@tp/onnx'
import type { Trains } from '../weights.ts'

/** Weights that learn: all but embeddings, scales and biases, those after the last layer, or only the values of a method. */
export const trainableParts = ['all', 'vectors', 'head', 'method'] as const
export type TrainablePart = (typeof trainableParts)[number]

/** @returns a refusal where the head of the model is not found */
export function trainsOf(
  part: TrainablePart,
  model: Model,
  encoder?: string,
): { readonly ok: true; readonly trains: Trains | undefined } | { readonly ok: false; readonly refusal: Refusal } {
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
