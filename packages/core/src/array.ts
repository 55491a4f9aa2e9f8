/** Element types, by onnxruntime's names. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array

/**
 * Concrete numbers at a runtime's boundary, row-major. Structural: an `ort.Tensor` of any copy of onnxruntime fits.
 * int64 data are a BigInt64Array, bool a Uint8Array of 0 and 1, float16 the raw bits in a Uint16Array.
 */
export interface TensorLike {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: TypedArray | readonly string[]
}

export function isTypedArray(data: TensorLike['data']): data is TypedArray {
  return ArrayBuffer.isView(data)
}

/** Plain objects on the arrays that a runtime returned; float16 as bits, where the platform has a Float16Array for it. */
export function plainTensors(outputs: Readonly<Record<string, TensorLike>>): Record<string, TensorLike> {
  const results: Record<string, TensorLike> = {}
  for (const [name, { type, dims, data }] of Object.entries(outputs)) {
    const bits = type === 'float16' && isTypedArray(data)
    results[name] = { type, dims, data: bits ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data }
  }
  return results
}

/** Number of elements of a concrete shape. */
export function sizeOf(dims: readonly number[]): number {
  let size = 1
  for (const dim of dims) size *= dim
  return size
}
