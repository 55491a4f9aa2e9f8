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
  const { header, view, start } = headerOf(bytes)
  const tensors = new Map<string, ConstantData>()
  for (const [name, entry] of Object.entries(header)) {
    if (name !== '__metadata__') tensors.set(name, readTensor(name, entry, view, start))
  }
  return tensors
}

function headerOf(bytes: Uint8Array): { header: Record<string, Entry>; view: DataView; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = bytes.byteLength < 8 ? Number.NaN : Number(view.getBigUint64(0, true))
  if (!(size <= bytes.byteLength - 8)) throw problem('it is no safetensors file, or it was cut short')
  return { header: readHeader(bytes.subarray(8, 8 + size)), view, start: 8 + size }
}

/**
 * Writes a safetensors file of 32-bit floats.
 * @param metadata texts by name, which the format has room for
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {}
  let end = 0
  for (const [name, { dims, data }] of tensors) {
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [end, end + data.byteLength] }
    end += data.byteLength
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  // Numbers begin at a multiple of 8, as the format asks.
  const start = 8 + Math.ceil(text.length / 8) * 8
  const bytes = new Uint8Array(start + end).fill(0x20, 8, start)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.set(text, 8)
  let at = start
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return bytes
}

/** The texts that a safetensors file carries by name. @throws TpError TP_WEIGHTS */
export function safetensorsMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  return (headerOf(bytes).header.__metadata__ as unknown as Record<string, string> | undefined) ?? {}
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
