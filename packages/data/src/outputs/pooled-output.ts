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
  if (taskOf(outputs, { labels }) !== 'embeddings') return undefined
  const output = embeddingOutput(Object.fromEntries(outputs.map((each) => [each.name, each])))
  return output?.dims.length === 3 && output.dims[1] !== 1 ? output.name : undefined
}

/** An output with a state for each token, of which programs read one. */
export interface PooledToken {
  readonly output: string
  readonly of: 'class token' | 'last token'
}

/** Where the files next to the model say that the state of one token is read outside: which one, of which output. */
export function pooledToken(
  model: Model,
  { pooling, labels }: Pick<ModelFacts, 'pooling' | 'labels'>,
): PooledToken | undefined {
  const of = pooling?.unsupported === undefined ? pooling?.of : undefined
  if (of !== 'class token' && of !== 'last token') return undefined
  const output = statesOutput(model, labels)
  return output === undefined ? undefined : { output, of }
}
