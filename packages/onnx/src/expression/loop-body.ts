import type { Tensor } from '@tp/core'
import type { LoopBody, StepBody } from '@tp/core/expression'
import type { AttributeProto } from 'onnx-buf'
import { createModel } from '../file/model.ts'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { writeSequenceInfo } from '../graph/value-info.ts'
import { createMessage } from '../protobuf/create-message.ts'
import { AttributeType } from '../protobuf/schema.ts'
import type { EmitTarget } from './emit-target.ts'

export interface BodyTarget {
  /** Of the node; names inside the body begin with it, so that they are found nowhere else. */
  readonly name: string
  readonly opset: number
  /** The graph of the node, which holds the constants, too. */
  readonly outer: Graph
  /** The values that the body reads from outside, by its names there. */
  readonly captured: ReadonlyMap<Tensor, string>
  emit(outputs: readonly Tensor[], target: EmitTarget): string[]
}

/** The body of a Loop that counts its steps: (step, condition, state…) → (condition, state…). */
export function bodyAttribute(body: LoopBody, { name, opset, outer, captured, emit }: BodyTarget): AttributeProto {
  const graph = new Graph(createModel(opset, `${name}/body`))
  const condition = `${name}/condition`
  const names = new Map(captured)
  const declare = (tensor: Tensor, as: string): void => {
    graph.addInput(as, tensor.dtype, open(tensor))
    names.set(tensor, as)
  }
  declare(body.step, `${name}/step`)
  graph.addInput(condition, 'bool', [])
  body.state.forEach((tensor, i) => {
    declare(tensor, `${name}/state_${i}`)
  })
  const results = emit(body.outputs, { graph, opset, names, prefix: `${name}/body`, constants: outer })
  for (const [i, value] of [condition, ...results].entries()) {
    const output = `${name}/next_${i}`
    graph.insert([createNode({ type: 'Identity', inputs: [value], outputs: [output] })])
    const tensor = body.outputs[i - 1]
    graph.addOutput(output, tensor?.dtype ?? 'bool', tensor === undefined ? [] : open(tensor))
  }
  return createMessage('AttributeProto', { name: 'body', type: AttributeType.GRAPH, g: graph.proto })
}

/** The body of a Loop that adds to sequences: (step, condition, sequence…) → (condition, sequence…). */
export function stepAttribute(body: StepBody, { name, opset, outer, captured, emit }: BodyTarget): AttributeProto {
  const graph = new Graph(createModel(opset, `${name}/body`))
  const [step, condition] = [`${name}/step`, `${name}/condition`]
  graph.addInput(step, 'int64', [])
  graph.addInput(condition, 'bool', [])
  graph.addOutput(`${name}/goes_on`, 'bool', [])
  const names = new Map([...captured, [body.step, step] as const])
  const results = emit(body.outputs, { graph, opset, names, prefix: `${name}/body`, constants: outer })
  graph.insert([createNode({ type: 'Identity', inputs: [condition], outputs: [`${name}/goes_on`] })])
  for (const [i, { dtype }] of body.outputs.entries()) {
    const [before, after] = [`${name}/sequence_${i}`, `${name}/longer_${i}`]
    graph.insert([createNode({ type: 'SequenceInsert', inputs: [before, results[i] as string], outputs: [after] })])
    graph.proto.input.push(writeSequenceInfo(before, dtype))
    graph.proto.output.push(writeSequenceInfo(after, dtype))
  }
  return createMessage('AttributeProto', { name: 'body', type: AttributeType.GRAPH, g: graph.proto })
}

/** Sizes are those of what the loop begins with; a name here would be of another size out there. */
function open(tensor: Tensor): undefined[] {
  return tensor.dims.map(() => undefined)
}
