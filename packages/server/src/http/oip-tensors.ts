import type { TensorLike, TypedArray } from '@tp/core/runtime'
import { requestError } from './errors.ts'

type ArrayClass = {
  new (length: number): TypedArray
  new (buffer: ArrayBuffer): TypedArray
  readonly BYTES_PER_ELEMENT: number
}

/** Datatypes of the Open Inference Protocol, ours, and the arrays that hold them. */
const TYPES: Readonly<Record<string, readonly [type: TensorLike['type'], array: ArrayClass]>> = {
  BOOL: ['bool', Uint8Array],
  UINT8: ['uint8', Uint8Array],
  UINT16: ['uint16', Uint16Array],
  UINT32: ['uint32', Uint32Array],
  UINT64: ['uint64', BigUint64Array],
  INT8: ['int8', Int8Array],
  INT16: ['int16', Int16Array],
  INT32: ['int32', Int32Array],
  INT64: ['int64', BigInt64Array],
  FP16: ['float16', Uint16Array],
  FP32: ['float32', Float32Array],
  FP64: ['float64', Float64Array],
}

/** An input as the JSON of a request has it. */
export interface TensorJson {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly data?: unknown
}

export function datatypeOf(type: string): string {
  return Object.entries(TYPES).find(([, [own]]) => own === type)?.[0] ?? 'BYTES'
}

/** Reads the bytes that follow the JSON of a request, tensor by tensor. */
export class BinaryTensors {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** @throws TpError TP_REQUEST if there are fewer */
  take(size: number, name: string): Uint8Array {
    const rest = this.#bytes.length - this.#at
    if (!Number.isSafeInteger(size) || size < 0 || size > rest) {
      throw requestError(`input "${name}" has the binary_data_size ${size}, and ${rest} bytes are left after the JSON`)
    }
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  /** @throws TpError TP_REQUEST if bytes are left that belong to no tensor */
  end(): void {
    const rest = this.#bytes.length - this.#at
    if (rest > 0)
      throw requestError(
        `${rest} bytes after the JSON belong to no input; check Inference-Header-Content-Length and binary_data_size`,
      )
  }
}

/**
 * A tensor of numbers. Memory is taken for data that are there, never for what a shape claims.
 * @throws TpError TP_REQUEST
 */
export function readTensor({ name, shape, datatype, parameters, data }: TensorJson, binary: BinaryTensors): TensorLike {
  const known = Object.hasOwn(TYPES, datatype) ? TYPES[datatype] : undefined
  if (known === undefined)
    throw requestError(
      `input "${name}" has the datatype ${datatype.slice(0, 20)}; there are ${Object.keys(TYPES).join(', ')}`,
    )
  const [type, ArrayOf] = known
  const size = sizeOf(shape)
  const bytes = parameters?.binary_data_size
  if (bytes !== undefined) {
    const part = binary.take(bytes as number, name)
    requireSize(name, shape, size, part.length / ArrayOf.BYTES_PER_ELEMENT)
    const values = new ArrayOf(Uint8Array.from(part).buffer)
    if (type === 'bool' && (values as Uint8Array).some((value) => value > 1))
      throw requestError(`input "${name}" has bytes other than 0 and 1 for BOOL`)
    return { type, dims: shape, data: values }
  }
  if (type === 'float16')
    throw requestError(`input "${name}" is FP16, which has no form in JSON; send it as binary data`)
  const values = flat(data, name)
  requireSize(name, shape, size, values.length)
  const array = new ArrayOf(values.length)
  for (const [i, value] of values.entries()) {
    const isRight =
      type === 'bool' ? typeof value === 'boolean' || value === 0 || value === 1 : typeof value === 'number'
    if (!isRight)
      throw requestError(
        `input "${name}" has ${shownValue(value)} among its data; ${datatype} takes ${type === 'bool' ? 'true and false' : 'numbers'}`,
      )
    store(array, i, value as number, name, datatype)
  }
  return { type, dims: shape, data: array }
}

/**
 * Texts, from an input of the datatype BYTES.
 * @throws TpError TP_REQUEST
 */
export function readTexts({ name, shape, parameters, data }: TensorJson, binary: BinaryTensors): string[] {
  const bytes = parameters?.binary_data_size
  const texts = bytes === undefined ? flat(data, name) : splitBytes(binary.take(bytes as number, name), name)
  requireSize(name, shape, sizeOf(shape), texts.length)
  const other = texts.find((text) => typeof text !== 'string')
  if (other !== undefined)
    throw requestError(`input "${name}" has ${shownValue(other)} among its data; BYTES takes strings`)
  return texts as string[]
}

/** Each element is its length in 4 bytes, and its bytes. */
function splitBytes(bytes: Uint8Array, name: string): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoder = new TextDecoder()
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw requestError(`input "${name}" ends in the middle of an element`)
    texts.push(decoder.decode(bytes.subarray(at + 4, end)))
    at = end
  }
  return texts
}

/** An output for JSON. @throws TpError TP_REQUEST for numbers that JSON cannot have exactly */
export function jsonData(name: string, { type, data }: TensorLike): (number | boolean | string)[] {
  if (type === 'float16')
    throw requestError(`output "${name}" is FP16, which has no form in JSON; ask for it as binary data`)
  return Array.from(data as ArrayLike<number | bigint | string>, (value) => {
    if (typeof value === 'string') return value
    const number = Number(value)
    if (typeof value === 'bigint' ? !Number.isSafeInteger(number) : !Number.isFinite(number)) {
      throw requestError(`output "${name}" has ${value}, which JSON cannot hold; ask for it as binary data`)
    }
    return type === 'bool' ? number === 1 : number
  })
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

function requireSize(name: string, shape: readonly number[], expected: number, seen: number): void {
  if (expected === seen) return
  throw requestError(`input "${name}" has the shape [${shape.slice(0, 8)}], ${expected} elements, and data of ${seen}`)
}

/** JSON may nest data as the shape does. */
function flat(data: unknown, name: string): unknown[] {
  if (!Array.isArray(data)) throw requestError(`input "${name}" has neither data nor binary_data_size`)
  // A shape has few axes; what is nested deeper is refused as an element.
  return data.some(Array.isArray) ? data.flat(8) : data
}

function store(array: TypedArray, i: number, value: number, name: string, datatype: string): void {
  if (array instanceof BigInt64Array || array instanceof BigUint64Array) {
    if (Number.isSafeInteger(value) && (array instanceof BigInt64Array || value >= 0)) array[i] = BigInt(value)
    else
      throw requestError(
        `input "${name}" has ${value}, no whole number of ${datatype} that JSON can hold; larger ones can be sent as binary data`,
      )
    return
  }
  array[i] = Number(value)
  const isFloat = array instanceof Float32Array || array instanceof Float64Array
  if (!isFloat && array[i] !== Number(value))
    throw requestError(`input "${name}" has ${value}, which ${datatype} cannot hold`)
}

function shownValue(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : String(value).slice(0, 40)
}
