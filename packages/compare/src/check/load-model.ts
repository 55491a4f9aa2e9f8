import type { Runtime, Session, SessionOptions } from '@tp/core/runtime'
import { encodeModel, type Model } from '@tp/onnx'

/** A model, and the path or URL that a runtime loads it from; a model alone is given to the runtime in its bytes. */
export type Loadable = Model | { readonly model: Model; readonly path: string }

export function modelOf(loadable: Loadable): Model {
  return 'path' in loadable ? loadable.model : loadable
}

/** @throws TpError what the runtime throws */
export function loadModel(
  loadable: Loadable,
  runtime: Pick<Runtime, 'load'>,
  options: SessionOptions = {},
): Promise<Session> {
  return runtime.load('path' in loadable ? loadable.path : encodeModel(loadable), options)
}
