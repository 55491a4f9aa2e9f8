import { capturedNames, Graph, type GraphProto, type Model, type NodeProto } from '@tp/onnx'

/** A branch of an If as a model: what it reads from around it are inputs, and weights its own. */
export interface Body {
  readonly branch: GraphProto
  readonly model: Model
}

/** The branches of an If, to look at or to edit apart; of other nodes none. */
export function bodiesOf(model: Model, node: NodeProto): Body[] {
  if (node.opType !== 'If') return []
  const around = new Graph(model)
  return node.attribute.flatMap(({ g: branch }) =>
    branch === undefined ? [] : [{ branch, model: alone(around, branch) }],
  )
}

function alone(around: Graph, branch: GraphProto): Model {
  const { model } = around
  const read = captured(branch)
  const weights = around.initializers.filter(({ name }) => read.has(name))
  const graph = {
    ...branch,
    input: declarations(around, read),
    initializer: [...branch.initializer, ...weights],
  }
  return { ...model, proto: { ...model.proto, graph, metadataProps: [] } }
}

function captured(branch: GraphProto): Set<string> {
  const own = new Set([...branch.initializer.map(({ name }) => name), ...branch.node.flatMap(({ output }) => output)])
  const read = [
    ...branch.node.flatMap((node) => [...node.input, ...capturedNames(node)]),
    ...branch.output.map(({ name }) => name),
  ]
  return new Set(read.filter((name) => name !== '' && !own.has(name)))
}

/** The declarations of the values around a branch that it reads. */
function declarations({ proto }: Graph, read: ReadonlySet<string>): GraphProto['input'] {
  return [...proto.input, ...proto.valueInfo].filter(({ name }) => read.has(name))
}

/** Puts what was edited apart back into its branch. */
export function putBack({ branch }: Body, { proto }: Model, model: Model): void {
  const { graph } = proto
  if (graph === undefined) return
  const weights = new Set(model.proto.graph?.initializer.map(({ name }) => name))
  branch.node = graph.node
  branch.initializer = graph.initializer.filter(({ name }) => !weights.has(name))
  branch.valueInfo = graph.valueInfo
  branch.output = graph.output
}
