import type { NamedTensors, TypedArray } from '@tp/core/runtime'

/** Tensors as what Playwright passes into a page and out of it. */
export type JsonTensors = Readonly<
  Record<string, { readonly type: string; readonly dims: readonly number[]; readonly data: readonly number[] }>
>

/** Numbers of 64 bits have to be exact as doubles; token numbers are. */
export function toJson(tensors: NamedTensors): JsonTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => {
      return [name, { type, dims, data: Array.from(data as ArrayLike<number | bigint>, Number) }]
    }),
  )
}

const arrays: Readonly<Record<string, (data: readonly number[]) => TypedArray>> = {
  float32: (data) => Float32Array.from(data),
  int64: (data) => BigInt64Array.from(data, BigInt),
  bool: (data) => Uint8Array.from(data),
}

export function fromJson(tensors: JsonTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => {
      const toArray = arrays[type]
      if (toArray === undefined) throw new Error(`${name} is ${type}, which is not passed here`)
      return [name, { type, dims, data: toArray(data) }]
    }),
  )
}
