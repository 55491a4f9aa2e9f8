import type { Tensor } from '@tp/core'
import { cloneModel, createNode, emit, Graph, isOpaque, lift, type Model, type NodeProto, opset } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'

/** Operators that are written otherwise since some opset up to 13; whatever else an encoder has is written as it was since 7. */
const REWRITTEN: ReadonlySet<string> = new Set([
  'BatchNormalization',
  'Clip',
  'Dropout',
  'Hardmax',
  'LogSoftmax',
  'Pad',
  'ReduceSum',
  'Resize',
  'Scatter',
  'Slice',
  'Softmax',
  'Split',
  'Squeeze',
  'TopK',
  'Unsqueeze',
  'Upsample',
])

/** Opset from which on loops carry sequences, as the functions of packed operators do. */
const LEAST = 13

/**
 * The same model in the forms of opset 13, if it is of an older one.
 * @throws Refused TP_OPSET for operators whose new form is not known here, and for bodies (If, Loop, Scan)
 */
export function raiseOpset(model: Model): Model {
  if (opset(model) >= LEAST) return model
  const raised = cloneModel(model)
  const graph = new Graph(raised)
  const lifted = lift(graph)
  for (const node of [...graph.nodes]) {
    if (node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)) throw tooOld(model, node)
    if (!(node.domain === '' || node.domain === 'ai.onnx') || !REWRITTEN.has(node.opType)) continue
    const outputs = node.output.filter((name) => name !== '').map((name) => lifted.tensor(name))
    if (outputs.some(({ node: { op } }) => isOpaque(op))) throw tooOld(model, node)
    rewrite(graph, node, outputs, lifted.names)
  }
  for (const entry of raised.proto.opsetImport) if (/^(ai\.onnx)?$/.test(entry.domain)) entry.version = BigInt(LEAST)
  graph.removeDeadNodes()
  return raised
}

function tooOld(model: Model, node: NodeProto): Refused {
  const seen = `packed files have loops of opset ${LEAST}, the file has opset ${opset(model)}, and this node is written otherwise there`
  return new Refused('TP_OPSET', `${seen}; export the model with opset ${LEAST} or later`, node)
}

function rewrite(graph: Graph, node: NodeProto, outputs: readonly Tensor[], known: ReadonlyMap<Tensor, string>): void {
  const names = new Map(known)
  for (const output of outputs) names.delete(output)
  const written = emit(outputs, { graph, opset: LEAST, names, prefix: `${node.output[0]}/raised`, before: node })
  const old = node.output.filter((name) => name !== '')
  const declared = old.map((name) => graph.valueInfo(name))
  const next = graph.nodes[graph.nodes.indexOf(node) + 1]
  graph.remove(node)
  for (const [i, name] of old.entries()) {
    const value = written[i] as string
    const producer = graph.producer(value)
    // Contents that are known beforehand are written as a constant.
    if (producer === undefined) graph.insert([createNode({ type: 'Identity', inputs: [value], outputs: [name] })], next)
    else graph.renameOutput(producer, producer.output.indexOf(value), name)
    const info = declared[i]
    if (info?.dims !== undefined && !graph.isOutput(name))
      graph.setValueInfo(
        name,
        outputs[i]?.dtype ?? 'float32',
        info.dims.map((dim) => (dim === '?' ? undefined : dim)),
      )
  }
}
