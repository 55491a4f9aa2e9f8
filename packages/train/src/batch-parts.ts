import type { NamedTensors, TensorLike } from '@tp/core/runtime'

/** An input of a whole batch. */
export interface BatchInput {
  readonly tensor: TensorLike
  /** The axis that counts the rows of the batch; undefined: parts of a batch get all of it. */
  readonly axis: number | undefined
}

export type BatchInputs = Readonly<Record<string, BatchInput>>

/**
 * Divides a batch into parts of nearly the same size: positions of their examples in the batch.
 * @param most examples of a part; may be infinite
 */
export function partsOf(examples: number, most: number): number[][] {
  const count = Math.max(1, Math.ceil(examples / most))
  const start = (part: number): number => Math.round((part * examples) / count)
  return Array.from({ length: count }, (_, part) =>
    Array.from({ length: start(part + 1) - start(part) }, (_, i) => start(part) + i),
  )
}

/** The inputs of some rows of a batch; default: of all. */
export function inputsOf(batch: BatchInputs, rows?: readonly number[]): Record<string, TensorLike> {
  return Object.fromEntries(
    Object.entries(batch).map(([name, { tensor, axis }]) => [
      name,
      axis === undefined || rows === undefined ? tensor : taken(tensor, rows, axis),
    ]),
  )
}

/** Tensors with the rows of a batch along their first axis. */
export function byRow(tensors: NamedTensors): BatchInputs {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { tensor, axis: 0 }]))
}

/** Tensors that are the same for all rows. */
export function forAll(tensors: NamedTensors): BatchInputs {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { tensor, axis: undefined }]))
}

/** Slices along an axis. */
function taken({ type, dims, data }: TensorLike, rows: readonly number[], axis: number): TensorLike {
  const inner = dims.slice(axis + 1).reduce((size, dim) => size * dim, 1)
  const outer = dims.slice(0, axis).reduce((size, dim) => size * dim, 1)
  const own = dims[axis] as number
  const starts = Array.from({ length: outer }, (_, i) => rows.map((row) => (i * own + row) * inner)).flat()
  const made = dims.map((size, i) => (i === axis ? rows.length : size))
  if (Array.isArray(data))
    return { type, dims: made, data: starts.flatMap((start) => data.slice(start, start + inner)) }
  const from = data as Float32Array
  const to = from.slice(0, starts.length * inner)
  starts.forEach((start, i) => {
    to.set(from.subarray(start, start + inner), i * inner)
  })
  return { type, dims: made, data: to }
}
