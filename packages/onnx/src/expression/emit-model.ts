import { type Tensor, TpError } from '@tp/core'
import { type Attributes, type Dim, nodesBelow } from '@tp/core/expression'
import { createModel, encodeModel } from '../file/model.ts'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { emit } from './emit.ts'

/** Opsets that `emitModel` writes: those that onnxruntime 1.30 reads. */
const oldest = 7
const newest = 26

/**
 * A whole ONNX file that computes expressions: its inputs are their placeholders, its outputs carry the given names.
 * @throws TpError TP_OPSET for an opset outside 7 to 26; TP_NAME if two different placeholders have one name
 */
export function emitModel(
  outputs: Readonly<Record<string, Tensor>>,
  options: { readonly opset?: number; readonly name?: string } = {},
): Uint8Array {
  const { opset = 17, name = 'expression' } = options
  if (!Number.isInteger(opset) || opset < oldest || opset > newest) {
    throw new TpError('TP_OPSET', 'onnx', `opset ${opset} cannot be written; give one from ${oldest} to ${newest}`)
  }
  const graph = new Graph(createModel(opset, name))
  const tensors = Object.values(outputs)
  const names = declareInputs(graph, tensors)
  for (const key of Object.keys(outputs)) graph.uniqueName(key)
  const values = emit(tensors, { graph, opset, names, prefix: name })
  const renamed = new Map<string, string>()
  for (const [i, key] of Object.keys(outputs).entries()) {
    const value = values[i] as string
    const tensor = tensors[i] as Tensor
    if (!tensor.hasShape) throw new TpError('TP_UNKNOWN_SHAPE', 'onnx', `the shape of output "${key}" is not known`)
    nameOutput(graph, renamed.get(value) ?? value, key)
    renamed.set(value, key)
    graph.addOutput(key, tensor.dtype, tensor.dims.map(declared))
  }
  return encodeModel(graph.model)
}

function declareInputs(graph: Graph, outputs: readonly Tensor[]): Map<Tensor, string> {
  const names = new Map<Tensor, string>()
  const types = new Map<string, string>()
  const declare = (tensor: Tensor | undefined): void => {
    if (tensor === undefined || tensor.node.op.name !== 'Input' || names.has(tensor)) return
    const name = nameOfInput(tensor.node.attributes)
    const type = tensor.toString()
    if ((types.get(name) ?? type) !== type) {
      throw new TpError('TP_NAME', 'onnx', `two inputs are named "${name}": ${types.get(name)} and ${type}`)
    }
    if (!types.has(name)) graph.addInput(name, tensor.dtype, tensor.dims.map(declared))
    types.set(name, type)
    names.set(tensor, name)
  }
  for (const node of nodesBelow(outputs)) node.inputs.forEach(declare)
  outputs.forEach(declare)
  return names
}

function nameOfInput(attributes: Attributes): string {
  return attributes.name as string
}

/** A size that is a plain name or number is declared; a formula would only be another name to other tools. */
function declared(dim: Dim): number | string | undefined {
  return typeof dim === 'number' || !/[?*+()-]/.test(dim) ? dim : undefined
}

/** Gives a value the name of an output; one that has another role already is passed through an Identity. */
function nameOutput(graph: Graph, value: string, output: string): void {
  const producer = graph.producer(value)
  if (producer === undefined || graph.isOutput(value)) {
    graph.insert([createNode({ type: 'Identity', inputs: [value], outputs: [output] })])
  } else {
    graph.renameOutput(producer, producer.output.indexOf(value), output)
  }
}
