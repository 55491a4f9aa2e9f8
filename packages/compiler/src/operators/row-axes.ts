import { isOpaque } from '@tp/onnx'
import { type NodeView, operatorName, type RowAxis } from './operator.ts'
import { operators } from './table.ts'

/** See `Operator.rows`. */
export function rowAxes(view: NodeView, axis: number): RowAxis[] {
  const { node, inputs } = view
  // A node that contradicts its inputs has the shape that the file declares, which proves nothing.
  const rule = isOpaque(view.output.node.op) ? undefined : operators.get(operatorName(node))?.rows
  return rule === undefined ? inputs.map(() => 'all') : rule(view, axis)
}
