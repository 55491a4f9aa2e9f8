import type { NamedTensors } from '@tp/core/runtime'
import type { InferenceSession, Tensor } from 'onnxruntime-web'
import type { Ort } from './start-ort.ts'

/** Tensors of this thread's onnxruntime on the caller's arrays, whatever copy of it those come from. */
export function toOrt(ort: Ort, inputs: NamedTensors): InferenceSession.FeedsType {
  const feeds: Record<string, Tensor> = {}
  for (const [name, { type, data, dims }] of Object.entries(inputs)) {
    // The constructor is overloaded by element type; that type and data fit was checked before.
    feeds[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims)
  }
  return feeds
}
