import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType, file_onnx, TensorProto_DataLocation, TensorProto_DataType } from 'onnx-buf'
import { expect, test } from 'vitest'
import { AttributeType, DataType, EXTERNAL, type MessageSpec, schema } from './schema.ts'

const shortName = (typeName: string): string => typeName.replace(/^onnx\./, '')

const withInner = (messages: readonly DescMessage[]): DescMessage[] =>
  messages.flatMap((message) => [message, ...withInner(message.nestedMessages)])

function typeOf(field: DescField): string {
  if (field.fieldKind === 'map') throw new Error('onnx.proto has no maps')
  const base =
    field.message !== undefined
      ? shortName(field.message.typeName)
      : field.enum !== undefined
        ? 'int32'
        : (ScalarType[field.scalar as ScalarType] as string).toLowerCase()
  if (field.fieldKind !== 'list') return base
  return `${base}${field.packed ? '[packed]' : '[]'}`
}

function specOf(message: DescMessage): MessageSpec {
  const entries = message.members.map((member) =>
    member.kind === 'oneof'
      ? ([
          member.localName,
          Object.fromEntries(member.fields.map((f) => [f.localName, [f.number, typeOf(f)]])),
        ] as const)
      : ([member.localName, [member.number, typeOf(member)]] as const),
  )
  return Object.fromEntries(entries) as MessageSpec
}

test('the schema is that of onnx.proto', () => {
  const messages = withInner(file_onnx.messages)
  expect(schema).toEqual(Object.fromEntries(messages.map((message) => [shortName(message.typeName), specOf(message)])))
})

test('the enums have the numbers of onnx.proto', () => {
  const numbers = (values: object): object =>
    Object.fromEntries(Object.entries(values).filter(([name]) => Number.isNaN(Number(name)) && name !== 'UNDEFINED'))
  expect(AttributeType).toEqual(numbers(AttributeProto_AttributeType))
  expect(DataType).toEqual(numbers(TensorProto_DataType))
  expect(EXTERNAL).toBe(TensorProto_DataLocation.EXTERNAL)
})
