import { inspect } from '@tp/compiler'
import type { ModelSignature } from '@tp/core/runtime'
import { type TaskFacts, taskOf } from '@tp/data/outputs'
import type { Model } from '@tp/onnx'

/**
 * Whether a model gives vectors: by the names of its outputs, or because one has the length 1, as no logits have.
 * @param signature its outputs, or a session
 * @param known class names and pooling, if it has some
 */
export function givesVectors(model: Model, signature: ModelSignature, known?: TaskFacts): boolean {
  const found = inspect(model)
  if (found.ok && found.head.some(({ normalized }) => normalized)) return true
  return taskOf(signature.outputs, known) === 'embeddings'
}
