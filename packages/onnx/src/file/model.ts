import { TpError } from '@tp/core'
import type { ModelProto } from 'onnx-buf'
import { createMessage } from '../protobuf/create-message.ts'
import type { Packing } from '../protobuf/read-message.ts'
import { writeMessage } from '../protobuf/write-message.ts'
import { decode } from './decode.ts'
import { checkAttributes } from './forbidden-attributes.ts'
import { share } from './share.ts'

/** Reads `length` bytes from `offset` of a data file; `location` is its path relative to the model's folder. */
export type ReadExternal = (location: string, offset: number, length: number) => Uint8Array

/** An ONNX model as its file has it: the protobuf message, and what the message alone does not say. */
export interface Model {
  readonly proto: ModelProto
  /** How the file packs repeated numbers, so that it is written the same way. */
  readonly packing: Packing
  /** Reads bytes of external data files; asked only for the few small tensors whose contents matter. */
  readonly external: ReadExternal | undefined
}

/**
 * Reads an ONNX file. Nothing is lost: fields this version of ONNX does not know are kept too. Weights are views of
 * `bytes`, which must not be changed afterwards.
 * @throws TpError TP_NOT_ONNX, TP_TRUNCATED, TP_ATTRIBUTE
 */
export function decodeModel(bytes: Uint8Array, options: { readonly external?: ReadExternal } = {}): Model {
  if (!ArrayBuffer.isView(bytes))
    throw new TpError('TP_NOT_ONNX', 'onnx', 'this is not a Uint8Array; give the bytes of a file')
  // A Buffer would hand out Buffers for weights, whose slice() shares memory.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoded = decode(view)
  checkAttributes(decoded.proto)
  return { ...decoded, external: options.external }
}

/** Writes an ONNX file; a model that was only read is written as the bytes it was read from. */
export function encodeModel(model: Model): Uint8Array {
  return writeMessage('ModelProto', model.proto, model.packing)
}

/** A copy that can be edited without changing the original; the weights themselves are shared, not copied. */
export function cloneModel(model: Model): Model {
  return { ...model, proto: share(model.proto) }
}

/** The same model without its metadata and its description, for runtimes, which hold them once for each session and read none. */
export function withoutMetadata({ proto, ...model }: Model): Model {
  const bare: ModelProto = Object.assign(Object.create(Object.getPrototypeOf(proto)), proto)
  return { ...model, proto: Object.assign(bare, { metadataProps: [], docString: '' }) }
}

/** File format (IR) version of the ONNX release that brought an opset (onnx/docs/Versioning.md). */
const irVersions: readonly (readonly [opset: number, ir: number])[] = [
  [7, 3],
  [9, 4],
  [10, 5],
  [11, 6],
  [12, 7],
  [15, 8],
  [19, 9],
  [21, 10],
  [23, 11],
  [24, 12],
  [25, 13],
]

/** An empty model of the given opset of the default domain, with the IR version that came with it. */
export function createModel(opset: number, graphName = 'graph'): Model {
  let irVersion = 3
  for (const [from, ir] of irVersions) if (opset >= from) irVersion = ir
  const proto = createMessage('ModelProto', {
    irVersion: BigInt(irVersion),
    producerName: '@tp/onnx',
    graph: { name: graphName },
    opsetImport: [{ domain: '', version: BigInt(opset) }],
  })
  return { proto, packing: new Set(), external: undefined }
}

/**
 * Version of an operator set; default: ONNX's own.
 * @throws TpError TP_OPSET if the model does not import it
 */
export function opset(model: Model, domain = ''): number {
  const alias = domain === '' ? 'ai.onnx' : domain
  const found = model.proto.opsetImport.find((entry) => entry.domain === domain || entry.domain === alias)
  if (found !== undefined) return Number(found.version)
  const known = model.proto.opsetImport.map((entry) => entry.domain || 'ai.onnx').join(', ')
  throw new TpError('TP_OPSET', 'onnx', `the model imports no operators of ${alias}, only of ${known}`)
}

/** The model's `metadata_props`: free text by key. */
export interface Metadata {
  get(key: string): string | undefined
  set(key: string, value: string): void
  delete(key: string): void
  keys(): string[]
}

export function metadata(model: Model): Metadata {
  const entries = model.proto.metadataProps
  return {
    get: (key) => entries.find((entry) => entry.key === key)?.value,
    set: (key, value) => {
      const entry = entries.find((candidate) => candidate.key === key)
      if (entry === undefined) entries.push(createMessage('StringStringEntryProto', { key, value }))
      else entry.value = value
    },
    delete: (key) => {
      const at = entries.findIndex((entry) => entry.key === key)
      if (at >= 0) entries.splice(at, 1)
    },
    keys: () => entries.map((entry) => entry.key),
  }
}
