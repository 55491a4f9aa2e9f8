import type { Attributes } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'

/** Operator set of packed files; `@tp/runtime-native` has the operators (its `native/operators.h` says what each computes). */
export const DOMAIN = 'tp'

type PackedOperator = 'Rows' | 'Pack' | 'Unpack' | 'PackedAttention'

export function packedNode(
  type: PackedOperator,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): NodeProto {
  return createNode({ type, domain: DOMAIN, name: `${outputs[0]}/${type}`, inputs, outputs, attributes })
}
