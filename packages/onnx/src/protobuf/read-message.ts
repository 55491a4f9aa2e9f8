import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { emptyMessage, type Fields, type Messages } from './create-message.ts'
import { type MessageField, type MessageType, messageType, type Scalar } from './message-types.ts'

/**
 * Repeated numbers can be written packed or one by one; readers take both, writers of the proto2 and proto3 flavours of
 * onnx.proto differ. These are the fields (`AttributeProto.ints`) that a file writes the other way than proto2.
 */
export type Packing = ReadonlySet<string>

/**
 * Reads a message. Nothing is lost: a field that the schema does not have is kept as bytes. Bytes are views of `bytes`.
 * @throws Error where the bytes contradict the schema; BeyondLimit
 */
export function readMessage<Name extends keyof Messages>(
  name: Name,
  bytes: Uint8Array,
): { readonly message: Messages[Name]; readonly packing: Packing } {
  const type = messageType(name)
  const message = emptyMessage(type)
  const packing = new Set<string>()
  readFields(type, message, { reader: new BinaryReader(bytes), packing, depth: 0, held: 0 }, bytes.length)
  return { message: message as unknown as Messages[Name], packing }
}

interface ByteSource {
  readonly reader: BinaryReader
  readonly packing: Set<string>
  /** Messages that are open, below the outermost. */
  depth: number
  /** Bytes of memory that what was read takes, about. */
  held: number
}

/** Messages inside each other: the limit of protobuf itself, and so of onnxruntime. */
const MOST_DEPTH = 100

/** Memory that may be taken next to the file's own bytes, of which the contents of weights are views. */
const MOST_HELD = 2 ** 30
/** An empty message with its lists, and a value of one. */
const MESSAGE_BYTES = 1000
const valueBytes: Readonly<Record<Scalar, number>> = {
  string: 64,
  bytes: 128,
  float: 8,
  double: 8,
  int32: 8,
  int64: 32,
  uint64: 32,
}

/** Thrown where a file is valid, but beyond what is read: messages nested too deep, or too many. */
export class BeyondLimit extends Error {}

function hold(source: ByteSource, bytes: number): void {
  source.held += bytes
  if (source.held > MOST_HELD)
    throw new BeyondLimit('it has more nodes, weights or numbers in lists than fit into 1 GiB')
}

function readFields(type: MessageType, message: Fields, source: ByteSource, end: number): void {
  const { reader } = source
  while (reader.pos < end) {
    const [number, wire] = reader.tag()
    const field = type.byNumber.get(number)
    if (field === undefined) keepUnknown(message, number, wire, reader)
    else if (field.repeated) readItems(type, field, message[field.name] as unknown[], wire, source, end)
    else readSingle(type, field, message, wire, source, end)
  }
  if (reader.pos > end) throw new Error(`${type.name} is longer than it says`)
}

function readSingle(
  type: MessageType,
  field: MessageField,
  message: Fields,
  wire: WireType,
  source: ByteSource,
  end: number,
) {
  const { name, oneof } = field
  checkWireType(type, field, wire)
  if (oneof === undefined) {
    message[name] = readValue(field, source, end, message[name])
  } else {
    const chosen = message[oneof] as { readonly case?: string; readonly value?: unknown }
    const before = chosen.case === name ? chosen.value : undefined
    message[oneof] = { case: name, value: readValue(field, source, end, before) }
  }
}

function readItems(
  type: MessageType,
  field: MessageField,
  items: unknown[],
  wire: WireType,
  source: ByteSource,
  end: number,
) {
  const { reader, packing } = source
  const isNumber = field.scalar !== undefined && wireTypes[field.scalar] !== WireType.LengthDelimited
  if (!isNumber || wire !== WireType.LengthDelimited) {
    checkWireType(type, field, wire)
    items.push(readValue(field, source, end))
  } else {
    const stop = endOf(type, field, reader, end)
    while (reader.pos < stop) items.push(readValue(field, source, stop))
    if (reader.pos > stop) throw new Error(`${type.name}.${field.name} is longer than it says`)
  }
  if (isNumber && field.packed !== (wire === WireType.LengthDelimited)) packing.add(`${type.name}.${field.name}`)
}

/** @param before a message that the field holds already: a second one is merged into it */
function readValue(field: MessageField, source: ByteSource, end: number, before?: unknown): unknown {
  const { reader } = source
  if (field.message === undefined) {
    hold(source, valueBytes[field.scalar as Scalar])
    return reader[field.scalar as Scalar]()
  }
  const type = messageType(field.message)
  const message = (before ?? emptyMessage(type)) as Fields
  hold(source, MESSAGE_BYTES)
  source.depth += 1
  if (source.depth > MOST_DEPTH) {
    const reason = `its messages lie in each other more than ${MOST_DEPTH} deep, and onnxruntime reads no such file`
    throw new BeyondLimit(`${reason}; export the model without bodies (If, Loop, Scan) inside each other`)
  }
  readFields(type, message, source, endOf(type, field, reader, end))
  source.depth -= 1
  return message
}

function endOf(type: MessageType, { name }: MessageField, reader: BinaryReader, end: number): number {
  const length = reader.uint32()
  const stop = reader.pos + length
  if (stop > end) throw new Error(`${type.name} (${name}) is longer than what it is in`)
  return stop
}

const wireTypes: Readonly<Record<Scalar, WireType>> = {
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  float: WireType.Bit32,
  double: WireType.Bit64,
  int32: WireType.Varint,
  int64: WireType.Varint,
  uint64: WireType.Varint,
}

/** How one element of a field is written. */
export function wireTypeOf({ scalar }: MessageField): WireType {
  return scalar === undefined ? WireType.LengthDelimited : wireTypes[scalar]
}

function checkWireType(type: MessageType, field: MessageField, wire: WireType): void {
  if (wire !== wireTypeOf(field)) throw new Error(`${type.name}.${field.name} has wire type ${wire}`)
}

/** A field of a later ONNX. */
export interface UnknownField {
  readonly no: number
  readonly wireType: WireType
  readonly data: Uint8Array
}

function keepUnknown(message: Fields, no: number, wireType: WireType, reader: BinaryReader): void {
  const unknown: UnknownField = { no, wireType, data: reader.skip(wireType, no) }
  const others = message.$unknown as UnknownField[] | undefined
  if (others === undefined) message.$unknown = [unknown]
  else others.push(unknown)
}
