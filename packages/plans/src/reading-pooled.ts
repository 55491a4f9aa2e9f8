import { isRefused, readClassToken, readLastToken, transform } from '@tp/compiler'
import type { Model } from '@tp/onnx'

/** An output with a state for each token, and the one of these that programs read. */
export interface ReadToken {
  readonly output: string
  readonly of: 'class token' | 'last token'
}

/**
 * A model whose states say no more than the token that programs read of them. The same model where none is named, or where the last token is read
 * of a model without an encoder that can be pruned.
 */
export function readingPooled(model: Model, pooled: ReadToken | undefined): Model {
  if (pooled === undefined) return model
  const { output, of } = pooled
  if (of === 'class token') return transform(model, readClassToken({ output })).model
  try {
    return transform(model, readLastToken({ output })).model
  } catch (error) {
    // A model that cannot be pruned is refused where it is to be pruned, and one that has this row alone is as it should be.
    if (isRefused(error)) return model
    throw error
  }
}
