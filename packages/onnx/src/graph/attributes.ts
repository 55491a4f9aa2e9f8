import { TpError } from '@tp/core'
import {
  type Attribute,
  type AttributeReference,
  type Attributes,
  floatAttributes,
  isReference,
} from '@tp/core/expression'
import type { AttributeProto, NodeProto } from 'onnx-buf'
import type { ReadExternal } from '../file/model.ts'
import { createMessage } from '../protobuf/create-message.ts'
import { AttributeType as Kind } from '../protobuf/schema.ts'
import { denseConstant, lazyConstant } from '../tensor/constants.ts'
import { toInt64 } from '../tensor/int64.ts'
import { writeTensor } from '../tensor/tensor-proto.ts'

/**
 * A node's attributes as core has them; tensors are decoded when their contents are first looked at. Undefined if one
 * of them has no counterpart in core: a graph, a type, a list of tensors, a reference to a function's attribute.
 */
export function readAttributes(node: NodeProto, external?: ReadExternal): Attributes | undefined {
  const attributes: Record<string, Attribute> = {}
  for (const attribute of node.attribute) {
    const value = attribute.refAttrName === '' ? readAttribute(attribute, external) : undefined
    if (value === undefined) return undefined
    // The names are the file's. An object without a prototype would be safe as well, and twice as slow to read.
    if (attribute.name === '__proto__') Object.defineProperty(attributes, '__proto__', { value, enumerable: true })
    else attributes[attribute.name] = value
  }
  return attributes
}

function readAttribute(attribute: AttributeProto, external?: ReadExternal): Attribute | undefined {
  switch (attribute.type) {
    case Kind.FLOAT:
      return attribute.f
    case Kind.INT:
      return Number(attribute.i)
    case Kind.STRING:
      return new TextDecoder().decode(attribute.s)
    case Kind.FLOATS:
      return attribute.floats
    case Kind.INTS:
      return attribute.ints.map(Number)
    case Kind.STRINGS:
      return attribute.strings.map((text) => new TextDecoder().decode(text))
    case Kind.TENSOR:
      return attribute.t === undefined ? undefined : lazyConstant(attribute.t, external)
    case Kind.SPARSE_TENSOR:
      return attribute.sparseTensor === undefined ? undefined : denseConstant(attribute.sparseTensor, external)
    default:
      return undefined
  }
}

/** Numbers that are floats in every operator that has them, in old forms and in operators core does not know too. */
const floats: ReadonlySet<string> = new Set([
  ...floatAttributes,
  'activation_alpha',
  'activation_beta',
  'bias',
  'clip',
  'decay_factor',
  'height_scale',
  'high',
  'lambd',
  'low',
  'max',
  'mean',
  'min',
  'momentum',
  'norm_coefficient',
  'ratio',
  'scales',
  'spatial_scale',
  'threshold',
  'value',
  'value_float',
  'value_floats',
  'width_scale',
])

const kinds: Readonly<Record<AttributeReference['type'], number>> = {
  int: Kind.INT,
  ints: Kind.INTS,
  float: Kind.FLOAT,
}

/** An attribute in the file's form. */
function writeAttribute(name: string, value: Attribute): AttributeProto {
  const isFloat = floats.has(name)
  const asInt64 = (number: number): bigint => {
    if (Number.isInteger(number)) return toInt64(number)
    const problem = `is ${number}, and an attribute of this name is written as an integer`
    throw new TpError(
      'TP_ATTRIBUTE',
      name,
      `${problem}; if it holds floats, add it to the float attributes of @tp/onnx`,
    )
  }
  if (typeof value === 'number') {
    return createMessage(
      'AttributeProto',
      isFloat ? { name, type: Kind.FLOAT, f: value } : { name, type: Kind.INT, i: asInt64(value) },
    )
  }
  if (typeof value === 'string') return createMessage('AttributeProto', { name, type: Kind.STRING, s: utf8(value) })
  if (isReference(value)) {
    return createMessage('AttributeProto', { name, type: kinds[value.type], refAttrName: value.reference })
  }
  if (!isList(value)) return createMessage('AttributeProto', { name, type: Kind.TENSOR, t: writeTensor(value, '') })
  if (value.length > 0 && typeof value[0] === 'string') {
    return createMessage('AttributeProto', {
      name,
      type: Kind.STRINGS,
      strings: (value as readonly string[]).map(utf8),
    })
  }
  const numbers = value as readonly number[]
  return isFloat
    ? createMessage('AttributeProto', { name, type: Kind.FLOATS, floats: [...numbers] })
    : createMessage('AttributeProto', { name, type: Kind.INTS, ints: numbers.map(asInt64) })
}

export function writeAttributes(attributes: Attributes): AttributeProto[] {
  const protos: AttributeProto[] = []
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) protos.push(writeAttribute(name, value))
  return protos
}

function isList(value: Exclude<Attribute, AttributeReference>): value is readonly number[] | readonly string[] {
  return Array.isArray(value)
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>
}
