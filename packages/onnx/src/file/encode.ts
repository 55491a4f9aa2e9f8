import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { GraphProto, ModelProto, TensorProto } from 'onnx-buf'
import type { Schemas } from './wire.ts'

/** Below this, copying a tensor's bytes is cheaper than treating them apart. */
const smallTensor = 4096

/**
 * The bytes of a model. Weights are copied once, straight to their place: the general writer would move them at each
 * level of nesting and hold several copies of a large file.
 */
export function encode(model: ModelProto, schemas: Schemas): Uint8Array {
  const chunks: Uint8Array[] = []
  const graphField = fieldNumber(schemas.model, 'graph')
  chunks.push(encodePart(schemas.model, model, (number) => number < graphField))
  if (model.graph !== undefined) pushMessage(chunks, graphField, graphChunks(model.graph, schemas))
  chunks.push(encodePart(schemas.model, model, (number) => number > graphField, true))
  return join(chunks)
}

function graphChunks(graph: GraphProto, schemas: Schemas): Uint8Array[] {
  const initializerField = fieldNumber(schemas.graph, 'initializer')
  const chunks = [encodePart(schemas.graph, graph, (number) => number < initializerField)]
  for (const tensor of graph.initializer) pushMessage(chunks, initializerField, tensorChunks(tensor, schemas.tensor))
  chunks.push(encodePart(schemas.graph, graph, (number) => number > initializerField, true))
  return chunks
}

function tensorChunks(tensor: TensorProto, schema: DescMessage): Uint8Array[] {
  if (tensor.rawData.length < smallTensor) return [toBinary(schema, tensor)]
  const rawField = fieldNumber(schema, 'raw_data')
  return [
    encodePart(schema, tensor, (number) => number < rawField),
    prefix(rawField, tensor.rawData.length),
    tensor.rawData,
    encodePart(schema, tensor, (number) => number > rawField, true),
  ]
}

/** The bytes of some fields of a message; fields are written in the order of their numbers, unknown ones last. */
function encodePart(
  schema: DescMessage,
  message: Message,
  includes: (fieldNumber: number) => boolean,
  unknown = false,
): Uint8Array {
  const part = create(schema) as unknown as Record<string, unknown>
  const whole = message as unknown as Record<string, unknown>
  for (const field of schema.fields) {
    if (includes(field.number) && Object.hasOwn(whole, field.localName)) part[field.localName] = whole[field.localName]
  }
  if (unknown && message.$unknown !== undefined) part.$unknown = message.$unknown
  return toBinary(schema, part as unknown as Message)
}

function pushMessage(chunks: Uint8Array[], fieldNumber: number, body: readonly Uint8Array[]): void {
  chunks.push(prefix(fieldNumber, lengthOf(body)))
  for (const chunk of body) chunks.push(chunk)
}

function prefix(fieldNumber: number, length: number): Uint8Array {
  return new BinaryWriter().tag(fieldNumber, WireType.LengthDelimited).uint32(length).finish()
}

function fieldNumber(schema: DescMessage, name: string): number {
  return schema.fields.find((field) => field.name === name)?.number as number
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  return length
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(chunks))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
