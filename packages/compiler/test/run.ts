import type { TensorLike } from '@tp/core/runtime'

export { difference, numbers, openModel as open, rows, runModel as run, runOnEach } from 'exported-encoders'

export function int64(dims: readonly number[], values: readonly number[]): TensorLike {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

export function float32(dims: readonly number[], values: ArrayLike<number>): TensorLike {
  return { type: 'float32', dims, data: Float32Array.from(values) }
}
