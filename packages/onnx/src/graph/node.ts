import type { Attributes } from '@tp/core/expression'
import type { NodeProto } from 'onnx-buf'
import { createMessage } from '../protobuf/create-message.ts'
import { writeAttributes } from './attributes.ts'

/** A node to be put into a graph. Inputs that are left out are empty names. */
export interface NewNode {
  readonly type: string
  /** Operator set; default: ONNX's own. */
  readonly domain?: string
  readonly name?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Attributes
}

export function createNode(node: NewNode): NodeProto {
  const proto = createMessage('NodeProto', { input: [...node.inputs], output: [...node.outputs], opType: node.type })
  if (node.name !== undefined) proto.name = node.name
  if (node.domain !== undefined && node.domain !== '') proto.domain = node.domain
  if (node.attributes !== undefined) proto.attribute = writeAttributes(node.attributes)
  return proto
}
