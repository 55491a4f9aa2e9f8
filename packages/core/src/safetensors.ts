import { type DType, sizeOf } from './array.ts'
import { TpError } from './errors.ts'
import type { ConstantData } from './tensor.ts'

const widths: Readonly<Record<string, { readonly dtype: DType; readonly bytes: number }>> = {
  F32: { dtype: 'float32', bytes: 4 },
  F64: { dtype: 'float64', bytes: 8 },
  I64: { dtype: 'int64', bytes: 8 },
  I32: { dtype: 'int32', bytes: 4 },
}

/**
 * Reads a safetensors file: 8 bytes length, a JSON header, then the numbers (little-endian, row-major).
 * @throws TpError TP_WEIGHTS if it is none, is cut short, or holds a type other than F32, F64, I32, I64
 */
export function readSafetensors(bytes: Uint8Array): Map<string, ConstantData> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerSize = bytes.byteLength < 8 ? Number.NaN : Number(view.getBigUint64(0, true))
  if (!(headerSize <= bytes.byteLength - 8)) throw problem('it is no safetensors file, or it was cut short')
  const tensors = new Map<string, ConstantData>()
  for (const [name, entry] of Object.entries(readHeader(bytes.subarray(8, 8 + headerSize)))) {
    if (name !== '__metadata__') tensors.set(name, readTensor(name, entry, view, 8 + headerSize))
  }
  return tensors
}

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

function readHeader(bytes: Uint8Array): Record<string, Entry> {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, Entry>
  } catch {
    throw problem('its header is no JSON; it is no safetensors file, or it is damaged')
  }
}

function readTensor(name: string, entry: Entry, view: DataView, start: number): ConstantData {
  const type = widths[entry.dtype]
  if (type === undefined) throw problem(`${name} is of type ${entry.dtype}; save it as F32`)
  const [from, to] = entry.data_offsets
  const size = sizeOf(entry.shape)
  if (to - from !== size * type.bytes || start + to > view.byteLength) {
    throw problem(`${name} of shape [${entry.shape.join(',')}] has ${to - from} bytes, or the file was cut short`)
  }
  const data = type.dtype === 'float32' ? new Float32Array(size) : new Float64Array(size)
  for (let i = 0; i < size; i++) data[i] = readNumber(view, start + from + i * type.bytes, type.dtype)
  return { dtype: type.dtype, dims: entry.shape, data }
}

function readNumber(view: DataView, at: number, dtype: DType): number {
  if (dtype === 'float32') return view.getFloat32(at, true)
  if (dtype === 'float64') return view.getFloat64(at, true)
  return dtype === 'int32' ? view.getInt32(at, true) : Number(view.getBigInt64(at, true))
}

function problem(message: string): TpError {
  return new TpError('TP_WEIGHTS', 'core', `the weights cannot be read: ${message}`)
}
