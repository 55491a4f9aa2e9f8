import type { ConstantData } from '../expression/tensor.ts'
import { shown } from '../shown.ts'
import { problem, readHeader, type TensorEntry } from './safetensors-header.ts'

/**
 * Reads a safetensors file: 8 bytes length, a JSON header, then the numbers (little-endian, row-major). A file is
 * read only if each byte of its data belongs to one tensor and all numbers are finite.
 * @throws TpError TP_WEIGHTS if it is not such a file, is cut short, or holds a type other than F32, F64, I32, I64
 */
export function readSafetensors(bytes: Uint8Array): Map<string, ConstantData> {
  const { tensors } = readHeader(bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return new Map(tensors.map((entry) => [entry.name, readTensor(entry, view)]))
}

/**
 * Writes a safetensors file of 32-bit floats.
 * @param metadata texts by name, stored in the header
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  let end = 0
  for (const [name, { dims, data }] of tensors) {
    header.push([name, { dtype: 'F32', shape: dims, data_offsets: [end, end + data.byteLength] }])
    end += data.byteLength
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  // Data begin at a multiple of 8, as the format requires.
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
  return readHeader(bytes).metadata
}

function readTensor({ name, dtype, width, dims, size, at }: TensorEntry, view: DataView): ConstantData {
  const data = dtype === 'float32' ? new Float32Array(size) : new Float64Array(size)
  for (let i = 0; i < size; i++) {
    const value = readNumber(view, at + i * width, dtype)
    const isExact = dtype === 'int64' ? Number.isSafeInteger(value) : Number.isFinite(value)
    if (!isExact) {
      const form =
        dtype === 'int64' ? 'weights end at 2⁵³' : 'weights must be finite; train again, or take another file'
      throw problem(`number ${i} of ${shown(name)} is ${value}; ${form}`)
    }
    data[i] = value
  }
  return { dtype, dims, data }
}

function readNumber(view: DataView, at: number, dtype: TensorEntry['dtype']): number {
  if (dtype === 'float32') return view.getFloat32(at, true)
  if (dtype === 'float64') return view.getFloat64(at, true)
  return dtype === 'int32' ? view.getInt32(at, true) : Number(view.getBigInt64(at, true))
}
