import type { Model } from '@tp/onnx'
import type { ModelFacts } from '../inputs/model-facts.ts'
import { declaredOutputs, taskOf } from './task-of.ts'
import { embeddingOutput } from './vectors.ts'

/**
 * Name of the output with a state for each token, [batch, tokens, D], that vectors are made of outside; undefined for other models.
 * @param labels the model's class names, if it has any: an output with as many features is of tags
 */
export function statesOutput(model: Model, labels?: readonly string[]): string | undefined {
  const outputs = declaredOutputs(model)
  if (taskOf(outputs, labels) !== 'embeddings') return undefined
  const output = embeddingOutput(Object.fromEntries(outputs.map((each) => [each.name, each])))
  return output?.dims.length === 3 && output.dims[1] !== 1 ? output.name : undefined
}

/**
 * The same where the files next to the model say that the class token alone is read; `readClassToken` of `@tp/compiler` gives it that
 * row alone.
 */
export function classTokenOutput(
  model: Model,
  { pooling, labels }: Pick<ModelFacts, 'pooling' | 'labels'>,
): string | undefined {
  const reads = pooling?.unsupported === undefined ? pooling?.of : undefined
  return reads === 'class token' ? statesOutput(model, labels) : undefined
}
