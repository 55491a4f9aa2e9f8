import { inputsOf, repairNode } from './node-inputs.ts'
import { type Flow, operatorName } from './operator.ts'

/**
 * Makes a value that follows the tokens along one axis follow along others as well, by way of the values it is computed from: a
 * bias between positions that was multiplied by a gate of each query. The pruned part is then not computed at all, and
 * later cuts find plain nodes. False where it is not known which operands to take.
 */
export function takeUpstream(flow: Flow, name: string, axes: readonly number[]): boolean {
  const { graph } = flow.program
  const node = graph.producer(name)
  const readers = graph.consumers(name).filter((use) => use.node.opType !== 'Shape')
  if (node === undefined || readers.length !== 1) return false
  const { program } = flow
  const { elementwise, take, upstream } = flow.operators.get(operatorName(node)) ?? {}
  const output = program.tensor(name)
  const operands = upstream?.({ program, node, inputs: inputsOf(flow, node), output }, axes)
  if (operands === undefined) return false
  for (const operand of operands) {
    const input = node.input[operand.index] as string
    if (flow.changed.has(input)) {
      if (!takeUpstream(flow, input, operand.axes)) return false
    } else if (take !== undefined) {
      take(flow, node, operand.index, operand.axes)
    } else {
      const own = elementwise === 'broadcasting' ? output.rank : program.tensor(input).rank
      flow.rewire(node, operand.index, flow.take(input, operand.axes, own, node).name)
    }
  }
  const [result] = program.infer(node, repairNode(flow, node))
  if (result === undefined) return false
  flow.changed.set(name, result)
  return true
}
