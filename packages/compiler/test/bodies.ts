import { create } from '@bufbuild/protobuf'
import { createNode, type NodeProto } from '@tp/onnx'
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  TensorProto_DataType,
  ValueInfoProtoSchema,
} from 'onnx-buf'

/** `output` = captured value, through an If whose branches both pass it on. */
export function passThroughIf(
  condition: string,
  captured: string,
  output: string,
  elemType = TensorProto_DataType.FLOAT,
): NodeProto {
  const node = createNode({ type: 'If', name: `${output}/if`, inputs: [condition], outputs: [output] })
  for (const branch of ['then_branch', 'else_branch']) {
    const inner = `${output}_${branch}`
    const body = create(GraphProtoSchema, {
      name: branch,
      node: [createNode({ type: 'Identity', inputs: [captured], outputs: [inner] })],
      output: [
        create(ValueInfoProtoSchema, {
          name: inner,
          type: { value: { case: 'tensorType', value: { elemType } } },
        }),
      ],
    })
    node.attribute.push(create(AttributeProtoSchema, { name: branch, type: Kind.GRAPH, g: body }))
  }
  return node
}
