import { type NamedTensors, sizeOf, type TensorLike } from '@tp/core/runtime'

/** One example of inputs or outputs. */
export function rowOf(inputs: NamedTensors, row: number): NamedTensors {
  return mapTensors(inputs, (tensor) => take(tensor, row, tensor.dims[0] as number))
}

/** One row of an array [B,…], as an array [1,…]; any other array as it is. */
export function take({ type, dims, data }: TensorLike, row: number, batch: number): TensorLike {
  if (dims.length === 0 || dims[0] !== batch) return { type, dims, data }
  const size = sizeOf(dims) / batch
  return { type, dims: [1, ...dims.slice(1)], data: data.slice(row * size, (row + 1) * size) }
}

export function mapTensors(inputs: NamedTensors, change: (tensor: TensorLike) => TensorLike): NamedTensors {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, change(tensor)]))
}
