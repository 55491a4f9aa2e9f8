import { type MessageSpec, schema } from './schema.ts'

/** A field as reader and writer use it. */
export interface MessageField {
  readonly name: string
  readonly number: number
  /** A scalar of protobuf, or undefined for a message. */
  readonly scalar: Scalar | undefined
  readonly message: string | undefined
  readonly repeated: boolean
  /** Repeated numbers that are written packed, as far as a file does not show otherwise. */
  readonly packed: boolean
  /** Name of the oneof that it is in. */
  readonly oneof: string | undefined
}

export type Scalar = 'string' | 'bytes' | 'float' | 'double' | 'int32' | 'int64' | 'uint64'

export interface MessageType {
  readonly name: string
  readonly byNumber: ReadonlyMap<number, MessageField>
  /** In the order in which they are written. */
  readonly fields: readonly MessageField[]
  /** Defaults of the scalars: a field is set where a message has it as its own. */
  readonly prototype: object
}

const types = new Map<string, MessageType>()

export function messageType(name: string): MessageType {
  let type = types.get(name)
  if (type === undefined) {
    const fields = fieldsOf(schema[name] as MessageSpec).sort((a, b) => a.number - b.number)
    const byNumber = new Map(fields.map((field) => [field.number, field]))
    type = { name, byNumber, fields, prototype: prototypeOf(name, fields) }
    types.set(name, type)
  }
  return type
}

function fieldsOf(spec: MessageSpec): MessageField[] {
  return Object.entries(spec).flatMap(([name, entry]) => {
    if (!isOneof(entry)) return [fieldOf(name, entry[0], entry[1], undefined)]
    return Object.entries(entry).map(([member, [number, type]]) => fieldOf(member, number, type, name))
  })
}

function isOneof(entry: MessageSpec[string]): entry is Exclude<MessageSpec[string], readonly unknown[]> {
  return !Array.isArray(entry)
}

function fieldOf(name: string, number: number, type: string, oneof: string | undefined): MessageField {
  const [, base = '', form] = /^(.*?)(\[.*\])?$/.exec(type) ?? []
  const isMessage = Object.hasOwn(schema, base)
  return {
    name,
    number,
    scalar: isMessage ? undefined : (base as Scalar),
    message: isMessage ? base : undefined,
    repeated: form !== undefined,
    packed: form === '[packed]',
    oneof,
  }
}

function prototypeOf(name: string, fields: readonly MessageField[]): object {
  const defaults: Record<string, unknown> = { $typeName: `onnx.${name}` }
  for (const { name, scalar, repeated, oneof } of fields) {
    if (scalar !== undefined && !repeated && oneof === undefined) defaults[name] = defaultOf(scalar)
  }
  return defaults
}

function defaultOf(scalar: Scalar): unknown {
  switch (scalar) {
    case 'string':
      return ''
    case 'bytes':
      return new Uint8Array()
    case 'int64':
    case 'uint64':
      return 0n
    default:
      return 0
  }
}
