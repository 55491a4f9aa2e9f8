import { copyData, isTypedArray, type NamedTensors, type TensorLike } from '@tp/core/runtime'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { OrtNode } from './ort.ts'

/** Tensors of this process's onnxruntime on the caller's arrays, whatever copy of it those come from. */
export function toOrt(ort: OrtNode, inputs: NamedTensors): InferenceSession.FeedsType {
  const feeds: Record<string, Tensor> = {}
  for (const [name, { type, data, dims }] of Object.entries(inputs)) {
    const own = isShared(data) ? copyData(data) : data
    // The constructor is overloaded by element type; that type and data fit was checked before.
    feeds[name] = new ort.Tensor(type as 'float32', own as Float32Array, dims)
  }
  return feeds
}

function isShared(data: TensorLike['data']): boolean {
  return isTypedArray(data) && Object.prototype.toString.call(data.buffer) === '[object SharedArrayBuffer]'
}
