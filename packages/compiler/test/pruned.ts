import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { type PruneOptions, prune, transform } from '../src/index.ts'

/** The pruned model, read again from its file. */
export function pruned(model: Model, options: PruneOptions): Model {
  return decodeModel(encodeModel(transform(model, prune(options)).model))
}
