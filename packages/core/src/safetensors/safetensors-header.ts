import type { DType } from '../array.ts'
import { TpError } from '../errors.ts'
import { isRecord } from '../is-record.ts'
import { shown } from '../shown.ts'
import { duplicateKey } from './json-keys.ts'

/** The entry of one tensor in a header, checked: its bytes exist and belong to no other tensor. */
export interface TensorEntry {
  readonly name: string
  readonly dtype: DType
  /** Bytes of one number. */
  readonly width: number
  readonly dims: readonly number[]
  /** Numbers, the product of `dims`. */
  readonly size: number
  /** First byte, from the beginning of the file. */
  readonly at: number
}

export interface SafetensorsHeader {
  readonly tensors: readonly TensorEntry[]
  readonly metadata: Readonly<Record<string, string>>
}

const widths = new Map<unknown, { readonly dtype: DType; readonly width: number }>([
  ['F32', { dtype: 'float32', width: 4 }],
  ['F64', { dtype: 'float64', width: 8 }],
  ['I64', { dtype: 'int64', width: 8 }],
  ['I32', { dtype: 'int32', width: 4 }],
])

/** The limit of the format's own reader. */
const LONGEST_HEADER = 100_000_000

const METADATA = '__metadata__'

/**
 * Reads the header of a safetensors file and checks it against the format: every byte of the data belongs to exactly one tensor.
 * @throws TpError TP_WEIGHTS
 */
export function readHeader(bytes: Uint8Array): SafetensorsHeader {
  if (!(bytes instanceof Uint8Array)) throw problem('these are not bytes; give a Uint8Array')
  if (bytes.byteLength < 8) throw problem('it is not a safetensors file, or it was cut short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getBigUint64(0, true)
  if (length > BigInt(bytes.byteLength - 8)) throw problem('it is not a safetensors file, or it was cut short')
  if (length > LONGEST_HEADER) throw problem(`its header has ${length} bytes, and ${LONGEST_HEADER} is the most`)
  const start = 8 + Number(length)
  const header = parse(bytes.subarray(8, start))
  const tensors = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => readEntry(name, entry, start))
  requireExact(tensors, start, bytes.byteLength)
  return { tensors, metadata: metadataOf(header) }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    header = JSON.parse(text)
  } catch (cause) {
    throw problem('its header is invalid JSON; it is not a safetensors file, or it is damaged', cause)
  }
  if (!isRecord(header)) throw problem(`its header is ${shown(header)}; it must be an object`)
  const twice = duplicateKey(text)
  if (twice !== undefined) throw problem(`its header has ${shown(twice)} twice`)
  return header
}

function metadataOf(header: Record<string, unknown>): SafetensorsHeader['metadata'] {
  if (!Object.hasOwn(header, METADATA)) return {}
  const metadata = header[METADATA]
  if (isRecord(metadata) && Object.values(metadata).every((text) => typeof text === 'string')) {
    return metadata as Record<string, string>
  }
  throw problem(`${METADATA} is ${shown(metadata)}; it must be an object of texts`)
}

function readEntry(name: string, entry: unknown, start: number): TensorEntry {
  const label = shown(name)
  if (!isRecord(entry)) throw problem(`${label} is ${shown(entry)}; it must be an object`)
  const own = (field: string): unknown => (Object.hasOwn(entry, field) ? entry[field] : undefined)
  const [dtype, dims, offsets] = [own('dtype'), own('shape'), own('data_offsets')]
  const type = widths.get(dtype)
  if (type === undefined) throw problem(`${label} is of type ${shown(dtype)}; save it as F32`)
  if (!isCounts(dims)) throw problem(`the shape of ${label} is not a list of whole numbers from 0`)
  if (!isCounts(offsets) || offsets.length !== 2)
    throw problem(`${label} has no data_offsets of two whole numbers from 0`)
  const [from, to] = offsets as [number, number]
  const size = dims.reduce((product, dim) => product * dim, 1)
  if (!Number.isSafeInteger(size) || to - from !== size * type.width) {
    const shape = dims.length > 8 ? `${dims.length} axes` : `shape [${dims.join(',')}]`
    throw problem(`${label} of ${shape} has ${to - from} bytes, and it needs ${size * type.width}`)
  }
  return { name, dims, size, at: start + from, ...type }
}

/** One tensor begins where another ends, from the header to the end of the file. */
function requireExact(tensors: readonly TensorEntry[], start: number, end: number): void {
  const endOf = ({ at, size, width }: TensorEntry): number => at + size * width
  const inOrder = [...tensors].sort((a, b) => a.at - b.at || endOf(a) - endOf(b))
  let reached = start
  for (const tensor of inOrder) {
    const name = shown(tensor.name)
    if (tensor.at < reached) throw problem(`${name} begins in the middle of another tensor`)
    if (tensor.at > reached) throw problem(`${tensor.at - reached} bytes before ${name} belong to no tensor`)
    reached = endOf(tensor)
    if (reached > end)
      throw problem(`${name} ends ${reached - end} bytes after the end of the file; the file was cut short`)
  }
  if (reached < end) throw problem(`${end - reached} bytes at its end belong to no tensor`)
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0)
}

export function problem(message: string, cause?: unknown): TpError {
  return new TpError('TP_WEIGHTS', 'core', `the weights cannot be read: ${message}`, { cause })
}
