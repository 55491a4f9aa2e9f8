import { input, type Tensor } from '@tp/core'
import type { AttributeReference } from '@tp/core/expression'
import { PACKED_DOMAIN, type PackedInputs, type PackedOperator } from '@tp/core/packed'
import type { FunctionProto } from 'onnx-buf'
import { createModel } from '../file/model.ts'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { createMessage } from '../protobuf/create-message.ts'
import { readConstant } from '../tensor/tensor-proto.ts'
import { emit } from './emit.ts'

/** The function that a file has for an operator of packed files: its body, in the forms of an opset from 13 on. */
export function emitFunction({ name, inputs, attributes, body }: PackedOperator, opset: number): FunctionProto {
  const graph = new Graph(createModel(opset, name))
  const own = Object.entries(inputs).map(([role, dtype]): [string, Tensor] => [role, input(role, dtype)])
  const references = Object.entries(attributes).map(([reference, type]): [string, AttributeReference] => [
    reference,
    { reference, type },
  ])
  const results = body(Object.fromEntries(own) as PackedInputs, Object.fromEntries(references))
  const names = new Map(own.map(([role, tensor]) => [tensor, role]))
  for (const role of names.values()) graph.uniqueName(role)
  const output = emit(results, { graph, opset, names, prefix: name })
  // A function has no initializers.
  const constants = graph.initializers.map((tensor) => {
    const value = readConstant(tensor)
    return createNode({ type: 'Constant', inputs: [], outputs: [tensor.name], attributes: { value } })
  })
  return createMessage('FunctionProto', {
    name,
    domain: PACKED_DOMAIN,
    input: Object.keys(inputs),
    output,
    attribute: Object.keys(attributes),
    node: [...constants, ...graph.nodes],
    opsetImport: [{ domain: '', version: BigInt(opset) }],
  })
}
