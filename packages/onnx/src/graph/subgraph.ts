import type { AttributeProto, GraphProto, NodeProto } from 'onnx-buf'

/** Bodies of If, Loop and Scan. */
export function attributeGraphs(node: NodeProto): GraphProto[] {
  const graphs: GraphProto[] = []
  for (const { g, graphs: several } of node.attribute as AttributeProto[]) {
    if (g !== undefined) graphs.push(g)
    for (const graph of several) graphs.push(graph)
  }
  return graphs
}

/** Names that the bodies of a node read from the graphs around it. */
export function capturedNames(node: NodeProto): Set<string> {
  const names = new Set<string>()
  for (const graph of attributeGraphs(node)) collect(graph, names)
  return names
}

function collect(graph: GraphProto, names: Set<string>): void {
  const own = definedNames(graph)
  for (const node of graph.node) {
    for (const input of node.input) if (input !== '' && !own.has(input)) names.add(input)
    for (const name of capturedNames(node)) if (!own.has(name)) names.add(name)
  }
  for (const { name } of graph.output) if (!own.has(name)) names.add(name)
}

/** Renames a value of the surrounding graph inside the bodies of a node; a body's own value of that name is not touched. */
export function renameCaptured(node: NodeProto, from: string, to: string): void {
  for (const graph of attributeGraphs(node)) {
    if (definedNames(graph).has(from)) continue
    for (const inner of graph.node) {
      inner.input = inner.input.map((name) => (name === from ? to : name))
      renameCaptured(inner, from, to)
    }
    for (const output of graph.output) if (output.name === from) output.name = to
  }
}

/** Every name of a value or node in the bodies of a node, at any depth. */
export function namesInside(node: NodeProto): Set<string> {
  const names = new Set<string>()
  for (const graph of attributeGraphs(node)) {
    for (const name of definedNames(graph)) names.add(name)
    for (const inner of graph.node) for (const name of namesInside(inner)) names.add(name)
  }
  return names
}

function definedNames(graph: GraphProto): Set<string> {
  const names = new Set<string>()
  for (const { name } of graph.input) names.add(name)
  for (const { name } of graph.initializer) names.add(name)
  for (const { values } of graph.sparseInitializer) if (values !== undefined) names.add(values.name)
  for (const node of graph.node) for (const name of node.output) names.add(name)
  return names
}
