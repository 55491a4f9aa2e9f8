import type { Runtime, Session, SessionOptions } from '@tp/core/runtime'
import { encodeModel, type Model } from '@tp/onnx'
import type { OptimizeOptions } from './options.ts'

/** Opens a model that was made from the one that is tuned, as the caller wants it opened; on one thread if it is to be timed. */
export function loadModel(
  { load }: Pick<OptimizeOptions, 'load'>,
  runtime: Runtime,
  model: Model,
  options: SessionOptions = { threads: 1 },
): Promise<Session> {
  return load?.(runtime, model, options) ?? runtime.load(encodeModel(model), options)
}
