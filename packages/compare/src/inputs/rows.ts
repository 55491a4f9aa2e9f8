import { type NamedTensors, sizeOf, type TensorLike } from '@tp/core/runtime'

/** One example of inputs or outputs. */
export function rowOf(inputs: NamedTensors, row: number): NamedTensors {
  return mapTensors(inputs, (tensor) => (tensor.dims.length === 0 ? tensor : rowsOf(tensor, row, 1)))
}

/** Some rows of an array [B,…], as an array [count,…]. */
export function rowsOf({ type, dims, data }: TensorLike, first: number, count: number): TensorLike {
  const size = sizeOf(dims.slice(1))
  return { type, dims: [count, ...dims.slice(1)], data: data.slice(first * size, (first + count) * size) }
}

export function mapTensors(inputs: NamedTensors, change: (tensor: TensorLike) => TensorLike): NamedTensors {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, change(tensor)]))
}
