import type { ConstantData } from '@tp/core/expression'
import type { SparseTensorProto, TensorProto } from 'onnx-buf'
import type { ReadExternal } from '../file/model.ts'
import { dtypeOf } from './dtype.ts'
import { denseSize, dimsOf, readConstant, sizesOf } from './tensor-proto.ts'

/**
 * A constant whose bytes are decoded when someone first looks at its contents: most are weights that nobody reads.
 * Undefined for element types that core has no numbers for.
 */
export function lazyConstant(proto: TensorProto, external?: ReadExternal): ConstantData | undefined {
  return lazy(
    proto.dataType,
    () => dimsOf(proto),
    () => readConstant(proto, external),
  )
}

/** A sparse tensor as a dense constant: values at linear or per-axis indices, zero elsewhere. */
export function denseConstant(proto: SparseTensorProto, external?: ReadExternal): ConstantData | undefined {
  const { values, indices } = proto
  if (values === undefined || indices === undefined) return undefined
  const dims = sizesOf(values, proto.dims)
  return lazy(
    values.dataType,
    () => dims,
    () => {
      const sparse = readConstant(values, external)
      const positions = readConstant(indices, external)
      const size = denseSize(values, dims)
      const data = sparse.data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size)
      sparse.data.forEach((value, i) => {
        data[linearIndex(positions, i, dims)] = value
      })
      return { dtype: sparse.dtype, dims, data }
    },
  )
}

function linearIndex(positions: ConstantData, row: number, dims: readonly number[]): number {
  if (positions.dims.length === 1) return positions.data[row] as number
  let index = 0
  for (const [axis, dim] of dims.entries()) index = index * dim + (positions.data[row * dims.length + axis] as number)
  return index
}

function lazy(
  elementCode: number,
  shape: () => readonly number[],
  decode: () => ConstantData,
): ConstantData | undefined {
  const dtype = dtypeOf(elementCode)
  if (dtype === undefined || dtype === 'string') return undefined
  let decoded: ConstantData | undefined
  return {
    dtype,
    dims: shape(),
    get data() {
      decoded ??= decode()
      return decoded.data
    },
  }
}
