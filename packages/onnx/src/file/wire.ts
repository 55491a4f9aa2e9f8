import { clone, create, createFileRegistry, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { FieldOptionsSchema, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { file_onnx, GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf'

/**
 * Repeated numbers can be written packed or one by one; readers take both, writers of the proto2 and proto3 flavours of
 * onnx.proto differ. These are the fields (`onnx.AttributeProto.ints`) that a file writes the other way than proto2.
 */
export type Packing = ReadonlySet<string>

/** The three messages that are written piece by piece, in the flavour of one file. */
export interface Schemas {
  readonly model: DescMessage
  readonly graph: DescMessage
  readonly tensor: DescMessage
}

/**
 * Which repeated fields of a file are packed differently from proto2's onnx.proto.
 * @throws Error where the bytes contradict the schema; the general decoder reads over that, and would lose it
 */
export function readPacking(bytes: Uint8Array): Packing {
  const found = new Set<string>()
  scan(ModelProtoSchema, new BinaryReader(bytes), bytes.length, found)
  return found
}

function scan(message: DescMessage, reader: BinaryReader, end: number, found: Set<string>): void {
  const fields = fieldsOf(message)
  while (reader.pos < end) {
    const [number, wire] = reader.tag()
    const field = fields.get(number)
    if (field !== undefined) checkWireType(field, wire, found)
    if (wire !== WireType.LengthDelimited) {
      reader.skip(wire, number)
      continue
    }
    const stop = reader.uint32() + reader.pos
    if (stop > end) throw new Error(`field ${number} of ${message.typeName} is longer than what it is in`)
    const child = field === undefined || field.fieldKind === 'map' ? undefined : field.message
    if (child === undefined) reader.pos = stop
    else scan(child, reader, stop, found)
  }
  if (reader.pos > end) throw new Error(`${message.typeName} is longer than it says`)
}

function checkWireType(field: DescField, wire: WireType, found: Set<string>): void {
  const repeated = isRepeatedNumber(field)
  const expected = wireTypeOf(field)
  if (wire !== expected && !(repeated && wire === WireType.LengthDelimited)) {
    throw new Error(`${fieldName(field)} has wire type ${wire}`)
  }
  if (repeated && field.packed !== (wire === WireType.LengthDelimited)) found.add(fieldName(field))
}

/** Wire type of one element. */
function wireTypeOf(field: DescField): WireType {
  if (field.fieldKind === 'map' || field.message !== undefined) return WireType.LengthDelimited
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited
    case ScalarType.FLOAT:
      return WireType.Bit32
    case ScalarType.DOUBLE:
      return WireType.Bit64
    default:
      return WireType.Varint
  }
}

type RepeatedNumber = DescField & { fieldKind: 'list'; listKind: 'scalar' }

function isRepeatedNumber(field: DescField): field is RepeatedNumber {
  if (field.fieldKind !== 'list' || field.listKind !== 'scalar') return false
  return field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES
}

function fieldName(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`
}

const fieldMaps = new Map<DescMessage, ReadonlyMap<number, DescField>>()

function fieldsOf(message: DescMessage): ReadonlyMap<number, DescField> {
  let map = fieldMaps.get(message)
  if (map === undefined) {
    map = new Map(message.fields.map((field) => [field.number, field]))
    fieldMaps.set(message, map)
  }
  return map
}

const proto2: Schemas = { model: ModelProtoSchema, graph: GraphProtoSchema, tensor: TensorProtoSchema }
const flavours = new Map<string, Schemas>()

/** Schemas that write as the file was written. */
export function schemasFor(packing: Packing): Schemas {
  if (packing.size === 0) return proto2
  const key = [...packing].sort().join()
  let schemas = flavours.get(key)
  if (schemas === undefined) {
    schemas = buildSchemas(packing)
    flavours.set(key, schemas)
  }
  return schemas
}

function buildSchemas(packing: Packing): Schemas {
  const file = clone(FileDescriptorProtoSchema, file_onnx.proto)
  for (const message of file.messageType) {
    for (const field of message.field) {
      if (!packing.has(`onnx.${message.name}.${field.name}`)) continue
      field.options ??= create(FieldOptionsSchema)
      field.options.packed = !field.options.packed
    }
  }
  const registry = createFileRegistry(file, () => undefined)
  const get = (name: string): DescMessage => registry.getMessage(name) as DescMessage
  return { model: get('onnx.ModelProto'), graph: get('onnx.GraphProto'), tensor: get('onnx.TensorProto') }
}
