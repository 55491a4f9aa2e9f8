import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { isOpaque, type NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'
import type { Inputs, NodeView, RowAxis } from './operator.ts'
import { operatorOf } from './traits.ts'

/** See `Operator.rows`. */
export function rowAxes(view: NodeView, axis: number): RowAxis[] {
  const { node, inputs } = view
  // A node that contradicts its inputs has the shape that the file declares, which proves nothing.
  const rule = isOpaque(view.output.node.op) ? undefined : operatorOf(node)?.rows
  return rule === undefined ? inputs.map(() => 'all') : rule(view, axis)
}

/** The same for a value of a program, where a size counts tokens: that of the axis, or `count`. Undefined unless all shapes are known. */
export function knownRowAxes(program: Program, name: string, axis: number, count?: Dim): RowAxis[] | undefined {
  const node = program.graph.producer(name) as NodeProto
  const inputs = node.input.map((input) => (input === '' ? undefined : program.tensor(input)))
  const output = computed(program, name, inputs)
  if (!output.hasShape || inputs.some((input) => input?.hasShape === false)) return undefined
  const tokens = count ?? output.dims[axis]
  return rowAxes({ node, inputs, output, attributes: output.node.attributes, isTokens: (dim) => dim === tokens }, axis)
}

/** A value by its node; one that was just written is known by type and shape alone. */
function computed(program: Program, name: string, inputs: Inputs): Tensor {
  const known = program.tensor(name)
  if (known.node.op.name !== 'Input') return known
  const node = program.graph.producer(name) as NodeProto
  return program.infer(node, inputs)[node.output.indexOf(name)] as Tensor
}
