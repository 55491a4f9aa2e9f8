import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import type { Runtime, Session, SessionOptions } from '@tp/core/runtime'
import { encodeModel, type Model, refusedLoad } from '@tp/onnx'

/** A model, and the path or URL that a runtime loads it from; a model alone is given to the runtime in its bytes. */
export type Loadable = Model | { readonly model: Model; readonly path: string }

export function modelOf(loadable: Loadable): Model {
  return 'path' in loadable ? loadable.model : loadable
}

/**
 * Checks arguments that a program without types may leave out.
 * @throws TpError TP_NOT_ONNX, TP_OPTION
 */
export function requireComparable(models: readonly unknown[], options: unknown): void {
  const isModel = (one: unknown): boolean =>
    isRecord(one) && ('path' in one ? isRecord(one.model) : isRecord(one.proto))
  if (!models.every(isModel)) {
    const advice = 'give two that decodeModel returns, or { model, path } for each'
    throw new TpError('TP_NOT_ONNX', 'compare', `there is something else in place of a model; ${advice}`)
  }
  const { runtime } = isRecord(options) ? options : {}
  if (isRecord(runtime) && typeof runtime.load === 'function') return
  throw new TpError('TP_OPTION', 'compare', `runtime is ${shown(runtime)}; give one, such as nodeRuntime()`)
}

/** @throws TpError TP_BFLOAT16 for a model in bfloat16 that the runtime refuses, and what the runtime throws */
export async function loadModel(
  loadable: Loadable,
  runtime: Pick<Runtime, 'load'>,
  options: SessionOptions = {},
): Promise<Session> {
  try {
    return await runtime.load('path' in loadable ? loadable.path : encodeModel(loadable), options)
  } catch (error) {
    throw refusedLoad(error, modelOf(loadable))
  }
}
