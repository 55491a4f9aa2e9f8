import { isTpError, TpError } from '@tp/core'
import { packedFileError } from '@tp/core/runtime'

/** onnxruntime's refusal of a model, as an error of this toolkit. */
export function loadError(where: string, cause: unknown): TpError {
  if (isTpError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (/no available backend found/.test(reason)) {
    return new TpError(
      'TP_RUNTIME_MISSING',
      where,
      `onnxruntime cannot start: are its .wasm files served? Their location can be given as wasmPaths, and a page has to ` +
        `be loaded again after this error. It says: ${reason}`,
      { cause },
    )
  }
  if (/external (data|initializer)/i.test(reason)) {
    return new TpError(
      'TP_EXTERNAL_DATA',
      where,
      `the model keeps weights in another file, which cannot be read here; save it as one file. onnxruntime says: ${reason}`,
      { cause },
    )
  }
  const packed = packedFileError(where, reason, cause)
  if (packed !== undefined) return packed
  if (/protobuf parsing failed|No graph was found in the protobuf/.test(reason)) {
    return new TpError('TP_MODEL_LOAD', where, 'this is not an ONNX model, or it is cut short', { cause })
  }
  return new TpError('TP_MODEL_LOAD', where, `onnxruntime refuses the model: ${reason}`, { cause })
}
