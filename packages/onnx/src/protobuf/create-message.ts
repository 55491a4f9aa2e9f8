import type { MessageInitShape } from '@bufbuild/protobuf'
import type * as onnx from 'onnx-buf'
import { type MessageType, messageType } from './message-types.ts'

/** The types of messages that are made here, for {@link createMessage}. */
interface Schemas {
  AttributeProto: typeof onnx.AttributeProtoSchema
  FunctionProto: typeof onnx.FunctionProtoSchema
  GraphProto: typeof onnx.GraphProtoSchema
  ModelProto: typeof onnx.ModelProtoSchema
  NodeProto: typeof onnx.NodeProtoSchema
  OperatorSetIdProto: typeof onnx.OperatorSetIdProtoSchema
  SparseTensorProto: typeof onnx.SparseTensorProtoSchema
  StringStringEntryProto: typeof onnx.StringStringEntryProtoSchema
  TensorProto: typeof onnx.TensorProtoSchema
  TypeProto: typeof onnx.TypeProtoSchema
  ValueInfoProto: typeof onnx.ValueInfoProtoSchema
}

export interface Messages {
  AttributeProto: onnx.AttributeProto
  FunctionProto: onnx.FunctionProto
  GraphProto: onnx.GraphProto
  ModelProto: onnx.ModelProto
  NodeProto: onnx.NodeProto
  OperatorSetIdProto: onnx.OperatorSetIdProto
  SparseTensorProto: onnx.SparseTensorProto
  StringStringEntryProto: onnx.StringStringEntryProto
  TensorProto: onnx.TensorProto
  TypeProto: onnx.TypeProto
  ValueInfoProto: onnx.ValueInfoProto
}

/** A message with these fields; those of messages inside it may be given as plain objects. */
export function createMessage<Name extends keyof Schemas>(
  name: Name,
  fields: MessageInitShape<Schemas[Name]>,
): Messages[Name] {
  return fill(messageType(name), fields as Fields) as unknown as Messages[Name]
}

export type Fields = Record<string, unknown>

/** A message none of whose fields is set. */
export function emptyMessage(type: MessageType): Fields {
  const message = Object.create(type.prototype) as Fields
  for (const { name, repeated, oneof } of type.fields) {
    if (repeated) message[name] = []
    else if (oneof !== undefined) message[oneof] = { case: undefined }
  }
  return message
}

function fill(type: MessageType, init: Fields): Fields {
  const message = emptyMessage(type)
  for (const { name, message: inner, repeated, oneof } of type.fields) {
    const chosen = init[oneof ?? name] as { readonly case?: string; readonly value?: unknown } | undefined
    const field = oneof === undefined ? init[name] : chosen?.case === name ? chosen.value : undefined
    if (field === undefined) continue
    const value = repeated ? (field as unknown[]).map((item) => complete(inner, item)) : complete(inner, field)
    if (oneof === undefined) message[name] = value
    else message[oneof] = { case: name, value }
  }
  return message
}

/** Plain objects become messages; what is a message already is returned as it is. */
function complete(name: string | undefined, value: unknown): unknown {
  return name === undefined || '$typeName' in (value as object) ? value : fill(messageType(name), value as Fields)
}
