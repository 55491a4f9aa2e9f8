import { inspect } from '@tp/compiler'
import type { ModelSignature } from '@tp/core/runtime'
import { taskOf } from '@tp/data/outputs'
import type { Model } from '@tp/onnx'

/**
 * Whether a model gives vectors: by the names of its outputs, or because one has the length 1, as no logits have.
 * @param signature its outputs, or a session
 * @param labels class names, if it has some
 */
export function givesVectors(model: Model, signature: ModelSignature, labels?: readonly string[]): boolean {
  const found = inspect(model)
  if (found.ok && found.head.some(({ normalized }) => normalized)) return true
  return taskOf(signature.outputs, labels) === 'embeddings'
}
