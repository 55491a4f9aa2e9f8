import type { NamedTensors, TensorLike, TypedArray } from '@tp/core'
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

/** Plain objects on the arrays that onnxruntime returned. */
export function fromOrt(outputs: InferenceSession.ReturnType): NamedTensors {
  const results: Record<string, TensorLike> = {}
  for (const [name, { type, dims, data }] of Object.entries(outputs)) {
    // Where there is a Float16Array onnxruntime uses it; the contract wants bits.
    const bits = type === 'float16' && isTyped(data)
    results[name] = { type, dims, data: bits ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data }
  }
  return results
}

/** Copies that own their whole buffer: a view sent to a worker would take the buffer behind it along. */
export function copyInputs(inputs: NamedTensors): NamedTensors {
  const copies: Record<string, TensorLike> = {}
  for (const [name, { type, dims, data }] of Object.entries(inputs)) {
    copies[name] = { type, dims: [...dims], data: copy(data) }
  }
  return copies
}

/** The buffers to transfer along with tensors that own them. */
export function buffersOf(tensors: NamedTensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of Object.values(tensors)) if (isTyped(data)) buffers.add(data.buffer as ArrayBuffer)
  return [...buffers]
}

function copy(data: TensorLike['data']): TensorLike['data'] {
  if (!isTyped(data)) return [...data]
  // By name and not `data.constructor`, which may be Node's pooled Buffer or belong to another realm.
  const name = data[Symbol.toStringTag] as keyof typeof globalThis
  return new (globalThis[name] as new (data: TypedArray) => TypedArray)(data)
}

function isTyped(data: TensorLike['data']): data is TypedArray {
  return ArrayBuffer.isView(data)
}
