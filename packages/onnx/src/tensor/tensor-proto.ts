import { type DType, TpError } from '@tp/core'
import { type ConstantData, fromHalves, toHalves } from '@tp/core/expression'
import { sizeOf, type TensorLike, type TypedArray } from '@tp/core/runtime'
import type { TensorProto } from 'onnx-buf'
import { externalOf } from '../file/external.ts'
import type { ReadExternal } from '../file/model.ts'
import { createMessage } from '../protobuf/create-message.ts'
import { readMessage } from '../protobuf/read-message.ts'
import { EXTERNAL } from '../protobuf/schema.ts'
import { codeName, codeOf, dtypeOf } from './dtype.ts'
import { toInt64 } from './int64.ts'

/** A tensor with the name it has in its file. */
export interface NamedTensor extends TensorLike {
  readonly name: string
  readonly type: DType
}

/**
 * Reads a serialized TensorProto, as ONNX's test data sets have them (`input_0.pb`).
 * @throws TpError TP_NOT_ONNX, TP_TENSOR
 */
export function decodeTensor(bytes: Uint8Array): NamedTensor {
  let proto: TensorProto
  try {
    proto = readMessage('TensorProto', bytes).message
  } catch (cause) {
    throw new TpError('TP_NOT_ONNX', 'onnx', 'not a serialized ONNX tensor; give a .pb file of a test data set', {
      cause,
    })
  }
  return readTensor(proto)
}

/**
 * The contents of a tensor as a runtime takes them. Copies, so that the result is aligned and its own.
 * @throws TpError TP_TENSOR if the element type is unknown, or there are fewer or more bytes than the shape needs;
 * TP_EXTERNAL if they lie in a data file and no reader was given
 */
export function readTensor(proto: TensorProto, external?: ReadExternal): NamedTensor {
  const type = elementType(proto)
  const dims = dimsOf(proto)
  const size = sizeOf(dims)
  const data = type === 'string' ? readStrings(proto) : readNumbers(proto, type, size, external)
  if (data.length !== size) throw wrongSize(proto, size, data.length)
  return { name: proto.name, type, dims, data }
}

/**
 * The contents of a tensor as core holds constants: floats as float32 (float64 if they are), integers as float64.
 * @throws TpError as {@link readTensor}; TP_TENSOR for strings
 */
export function readConstant(proto: TensorProto, external?: ReadExternal): ConstantData {
  const { type, dims, data } = readTensor(proto, external)
  if (type === 'string') throw problem(proto, 'holds strings, which are not numbers')
  return { dtype: type, dims, data: toFloats(type, data as TypedArray) }
}

/** Element type of a tensor, by core's name. @throws TpError TP_TENSOR */
function elementType(proto: TensorProto): DType {
  const type = dtypeOf(proto.dataType)
  if (type === undefined)
    throw problem(proto, `has elements of type ${codeName(proto.dataType)}, which are not read here`)
  return type
}

/** Shape of a tensor. @throws TpError TP_TENSOR if a dim is negative or huge */
export function dimsOf(proto: TensorProto): number[] {
  return sizesOf(proto, proto.dims)
}

/** A shape of a file. @throws TpError TP_TENSOR if a dim is negative or huge */
export function sizesOf(proto: TensorProto, dims: readonly bigint[]): number[] {
  return dims.map((dim) => {
    const size = Number(dim)
    if (Number.isSafeInteger(size) && size >= 0) return size
    throw problem(proto, `has a dim of ${dim}`)
  })
}

/** Elements that are not zero are all that a sparse tensor costs a file; written out it is to be no larger than weights are. */
const MOST_DENSE = 2 ** 25

/** Number of elements of a sparse tensor that is written out. @throws TpError TP_TENSOR if they are too many */
export function denseSize(values: TensorProto, dims: readonly number[]): number {
  const size = sizeOf(dims)
  if (size <= MOST_DENSE) return size
  throw problem(values, `is sparse and has ${size} elements; no more than ${MOST_DENSE} are written out`)
}

/** A TensorProto of a runtime's tensor, or of a constant of core. Integers must fit their type. */
export function writeTensor(tensor: TensorLike | ConstantData, name: string): TensorProto {
  const type = ('dtype' in tensor ? tensor.dtype : tensor.type) as DType
  const proto = createMessage('TensorProto', { name, dataType: codeOf(type), dims: tensor.dims.map(BigInt) })
  if (type === 'string') {
    const encoder = new TextEncoder()
    proto.stringData = (tensor.data as readonly string[]).map((text) => encoder.encode(text))
    return proto
  }
  const data = 'dtype' in tensor ? fromFloats(type, tensor.data) : (tensor.data as TypedArray)
  proto.rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength).slice()
  return proto
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const

type NumberType = keyof typeof arrays

function readNumbers(proto: TensorProto, type: NumberType, size: number, external?: ReadExternal): TypedArray {
  const Numbers = arrays[type]
  const bytes = bytesOf(proto, size * Numbers.BYTES_PER_ELEMENT, external)
  if (bytes !== undefined) {
    if (bytes.length !== size * Numbers.BYTES_PER_ELEMENT) {
      throw wrongSize(proto, size, bytes.length / Numbers.BYTES_PER_ELEMENT)
    }
    // A copy, because the offset in the file may be odd; not slice(), which in a Node Buffer shares memory.
    // ONNX is little-endian, and so is every machine that JavaScript engines with typed arrays run on today.
    return new Numbers(new Uint8Array(bytes).buffer)
  }
  switch (type) {
    case 'float32':
      return Float32Array.from(proto.floatData)
    case 'float64':
      return Float64Array.from(proto.doubleData)
    case 'int64':
      return BigInt64Array.from(proto.int64Data)
    case 'uint64':
      return BigUint64Array.from(proto.uint64Data)
    case 'uint32':
      return Uint32Array.from(proto.uint64Data, Number)
    default:
      return (arrays[type] as typeof Int32Array).from(proto.int32Data)
  }
}

/** The tensor's bytes if it has any, wherever they lie; undefined where the typed fields hold its contents. */
function bytesOf(proto: TensorProto, length: number, external?: ReadExternal): Uint8Array | undefined {
  if (proto.dataLocation !== EXTERNAL) {
    return Object.hasOwn(proto, 'rawData') ? proto.rawData : undefined
  }
  const where = externalOf(proto)
  if (where === undefined) return undefined
  if (external === undefined) {
    throw new TpError(
      'TP_EXTERNAL',
      'onnx',
      `tensor "${proto.name}" lies in ${JSON.stringify(where.location)}; give decodeModel an \`external\` that reads it`,
    )
  }
  return external(where.location, where.offset, where.length ?? length)
}

function readStrings(proto: TensorProto): string[] {
  const decoder = new TextDecoder()
  return proto.stringData.map((bytes) => decoder.decode(bytes))
}

function toFloats(type: DType, data: TypedArray): Float32Array | Float64Array {
  if (type === 'float32' || type === 'float64') return data as Float32Array | Float64Array
  if (type === 'float16') return fromHalves(data as Uint16Array)
  return Float64Array.from(data as Int32Array, Number)
}

function fromFloats(type: NumberType, data: Float32Array | Float64Array): TypedArray {
  if (type === 'float16') return toHalves(data)
  if (type === 'int64') return BigInt64Array.from(Array.from(data, toInt64))
  if (type === 'uint64') return BigUint64Array.from(Array.from(data, BigInt))
  return new (arrays[type] as typeof Float32Array)(data)
}

function wrongSize(proto: TensorProto, expected: number, seen: number): TpError {
  return problem(proto, `needs ${expected} elements for its shape [${proto.dims}] but holds ${seen}`)
}

function problem(proto: TensorProto, reason: string): TpError {
  return new TpError('TP_TENSOR', 'onnx', `tensor "${proto.name}" ${reason}`)
}
