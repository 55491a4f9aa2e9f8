import { createNode, type NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'

/** Makes an output a copy of what it was, and returns the name of that. */
export function copyOutput(program: Program, output: string): string {
  const { graph } = program
  const producer = graph.producer(output) as NodeProto
  const own = graph.uniqueName(`tp/${output}`)
  program.setTensor(own, program.tensor(output))
  graph.renameOutput(producer, producer.output.indexOf(output), own)
  graph.insert([createNode({ type: 'Identity', name: own, inputs: [own], outputs: [output] })])
  graph.sortTopologically()
  return own
}
