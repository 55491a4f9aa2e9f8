import { createNode, type Graph, type NodeProto, readConstant } from '@tp/onnx'
import type { GraphProto } from 'onnx-buf'
import type { Program } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * Replaces an If by the branch that is always taken: exporters keep both where the choice hangs on sizes alone that
 * are the same whatever the input (as many queries as keys). In place; other control flow is left alone.
 */
export const decideBranches: NormalizePass = {
  name: 'decide branches',
  run({ program }) {
    const passed = new Set<NodeProto>()
    for (;;) {
      const candidates = program.graph.nodes.filter((node) => node.opType === 'If' && !passed.has(node))
      const decided = candidates.flatMap((node) => {
        passed.add(node)
        const taken = branchTaken(program, node)
        return taken === undefined ? [] : [{ node, taken }]
      })
      if (decided.length === 0) return false
      for (const { node, taken } of decided) inline(program.graph, node, taken)
      program.graph.removeDeadNodes()
      // Unknown values may be known now.
      program.refresh()
      passed.clear()
    }
  },
}

function branchTaken(program: Program, node: NodeProto): GraphProto | undefined {
  // A stored constant is a switch that somebody may want to turn.
  if (program.graph.producer(node.input[0] as string) === undefined) return undefined
  const condition = program.tensor(node.input[0] as string)
  const [value] = condition.value ?? []
  if (value !== 0 && value !== 1) return undefined
  const body = node.attribute.find(({ name }) => name === (value === 1 ? 'then_branch' : 'else_branch'))?.g
  const isPlain = body?.node.every((inner) =>
    inner.attribute.every(({ g, graphs }) => g === undefined && graphs.length === 0),
  )
  return isPlain && body?.sparseInitializer.length === 0 ? body : undefined
}

function inline(graph: Graph, node: NodeProto, body: GraphProto): void {
  const names = new Map<string, string>()
  const own = (name: string): string => {
    const known = names.get(name) ?? graph.uniqueName(`${node.name || node.output[0]}/${name}`)
    names.set(name, known)
    return known
  }
  for (const initializer of body.initializer) {
    graph.addInitializer(own(initializer.name), readConstant(initializer, graph.model.external))
  }
  const produced = new Set(body.node.flatMap((inner) => inner.output))
  const outside = (name: string): string => names.get(name) ?? (produced.has(name) ? own(name) : name)
  const inner = body.node.map((each) => {
    const outputs = each.output.map((name) => (name === '' ? '' : own(name)))
    const copy = createNode({
      type: each.opType,
      domain: each.domain,
      name: graph.uniqueName(`${node.name || node.output[0]}/${each.name || each.output[0]}`),
      inputs: each.input.map((name) => (name === '' ? '' : outside(name))),
      outputs,
    })
    copy.attribute = each.attribute
    return copy
  })
  const results = node.output.map((name, i) => ({ name, from: outside((body.output[i] as { name: string }).name) }))
  graph.remove(node)
  graph.insert(inner)
  graph.insert(
    results
      .filter(({ name }) => name !== '')
      .map(({ name, from }) =>
        createNode({ type: 'Identity', name: graph.uniqueName(name), inputs: [from], outputs: [name] }),
      ),
  )
  graph.sortTopologically()
}
