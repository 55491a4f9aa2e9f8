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
  const branch = (name: string): NodeProto[] => [
    createNode({ type: 'Identity', inputs: [captured], outputs: [`${output}_${name}`] }),
  ]
  return ifNode(condition, output, { then_branch: branch('then_branch'), else_branch: branch('else_branch') }, elemType)
}

/** An If with one output; the last node of each branch computes it. */
export function ifNode(
  condition: string,
  output: string,
  branches: Readonly<Record<'then_branch' | 'else_branch', readonly NodeProto[]>>,
  elemType = TensorProto_DataType.FLOAT,
): NodeProto {
  const node = createNode({ type: 'If', name: `${output}/if`, inputs: [condition], outputs: [output] })
  for (const [name, nodes] of Object.entries(branches)) {
    const body = create(GraphProtoSchema, {
      name,
      node: [...nodes],
      output: [
        create(ValueInfoProtoSchema, {
          name: nodes.at(-1)?.output[0] as string,
          type: { value: { case: 'tensorType', value: { elemType } } },
        }),
      ],
    })
    node.attribute.push(create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: body }))
  }
  return node
}
