import { create, createRegistry, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { file_onnx, type ModelProto, ModelProtoSchema, TypeProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { createMessage } from './create-message.ts'
import { type MessageField, messageType } from './message-types.ts'
import { readMessage } from './read-message.ts'
import { writeMessage } from './write-message.ts'

const registry = createRegistry(file_onnx)

/** Any fields of a message, as `create` takes them; messages inside it down to a depth. */
function fields(name: string, depth: number): fc.Arbitrary<object> {
  const own = messageType(name).fields.filter(({ message }) => message === undefined || depth > 0)
  const entries = own.map((field): [string, fc.Arbitrary<unknown>] => {
    const one = value(field, depth)
    if (field.oneof !== undefined) return [field.oneof, one.map((value) => ({ case: field.name, value }))]
    return [field.name, field.repeated ? fc.array(one, { maxLength: 3 }) : one]
  })
  return fc.record(Object.fromEntries(entries), { requiredKeys: [] })
}

function value({ scalar, message }: MessageField, depth: number): fc.Arbitrary<unknown> {
  if (message !== undefined) return fields(message, depth - 1)
  switch (scalar) {
    case 'string':
      return fc.string({ unit: 'grapheme' })
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 })
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'uint64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    default:
      // Small, so that enums whose numbers the library checks are among them.
      return fc.integer({ min: 0, max: 1 })
  }
}

test('writes what the general library writes, and reads what it has written', () => {
  fc.assert(
    fc.property(fields('ModelProto', 3), (init) => {
      const theirs = toBinary(ModelProtoSchema, create(ModelProtoSchema, init))
      const made = createMessage('ModelProto', init)
      expect(writeMessage('ModelProto', made)).toEqual(theirs)
      const { message, packing } = readMessage('ModelProto', theirs)
      expect(writeMessage('ModelProto', message, packing)).toEqual(theirs)
      expect(packing.size).toBe(0)
      expect(writeMessage('ModelProto', create(ModelProtoSchema, init) as ModelProto)).toEqual(theirs)
    }),
    { numRuns: process.env.TP_EXHAUSTIVE ? 100 : 30 },
  )
})

test('reads fields that are not set as their defaults', () => {
  const ours = readMessage('TensorProto', new Uint8Array()).message
  const theirs = fromBinary(registry.getMessage('onnx.TensorProto') as DescMessage, new Uint8Array())
  for (const { name } of messageType('TensorProto').fields) {
    expect([name, ours[name as keyof typeof ours]]).toEqual([
      name,
      (theirs as unknown as Record<string, unknown>)[name],
    ])
    expect([name, Object.hasOwn(ours, name)]).toEqual([name, Object.hasOwn(theirs, name)])
  }
})

test('merges a message that comes twice, as protobuf requires', () => {
  const part = (denotation: string, elemType: number): Uint8Array =>
    toBinary(
      TypeProtoSchema,
      create(TypeProtoSchema, { denotation, value: { case: 'tensorType', value: { elemType } } }),
    )
  const shape = create(TypeProtoSchema, { value: { case: 'tensorType', value: { shape: { dim: [{}] } } } })
  const bytes = new Uint8Array([...part('a', 1), ...toBinary(TypeProtoSchema, shape), ...part('b', 2)])
  const theirs = toBinary(TypeProtoSchema, fromBinary(TypeProtoSchema, bytes))
  expect(writeMessage('TypeProto', readMessage('TypeProto', bytes).message)).toEqual(theirs)
})
