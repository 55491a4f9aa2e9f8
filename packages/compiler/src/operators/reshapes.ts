import { type Dim, substituteDim, type Tensor } from '@tp/core'
import { Refused } from '../program/refusal.ts'
import { counts, type ShapeEntry } from './flow.ts'
import { inputsOf, type Repair, refuseOp, replace } from './node-inputs.ts'
import { rowsBehind, takeOperand } from './operands.ts'
import { reshapedDims, shapeEntries } from './reshape-axes.ts'
import { fillWhole } from './whole-sizes.ts'

/**
 * A shape with the old token count baked in (a constant, or taken from the model's inputs) is rewritten. Which of its
 * entries counts tokens follows from how the axes before and after fit together.
 */
export const reshape: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, shape] = inputs as [Tensor, Tensor]
  const name = node.output[0] as string
  // What the node read before; a reader of the cut itself reads another value by now.
  const from = data.dims.map((dim) => substituteDim(dim, new Map([[flow.count, flow.before]])))
  const wanted = reshapedDims(flow, node, from, flow.program.tensor(name).dims, data.dims)
  const [now] = flow.program.infer(node, inputs)
  if (now?.hasShape && sameDims(now.dims, wanted)) return inputs
  const entries = shapeEntries(data.dims, wanted, shape.value)
  if (entries === undefined)
    throw new Refused('TP_TOKEN_AXIS', `a reshape to [${wanted.join(',')}] mixes tokens with another axis`, node)
  if (entries.includes(0)) flow.letZerosCopy(node)
  replace(flow, node, inputs, 1, flow.shape(entries, node.input[0] as string, node, inputs))
  return inputs
}

/** A shape that is filled with one number. */
export const filled: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  return fillWhole(flow, node, inputs, 0) ?? inputs
}

export const expand: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, shape] = inputs as [Tensor, Tensor]
  const whole = data.dims.every((dim) => dim === 1) ? fillWhole(flow, node, inputs, 1) : undefined
  if (whole !== undefined) return whole
  const { value } = shape
  if (value === undefined)
    throw new Refused('TP_SHAPE', 'the shape that a value is expanded to cannot be followed', node)
  const rank = Math.max(data.rank, value.length)
  const target = (axis: number): Dim => value[axis - rank + value.length] ?? 1
  const own = (axis: number): Dim => data.dims[axis - rank + data.rank] ?? 1
  const stale: number[] = []
  for (let axis = 0; axis < rank; axis++) {
    if (counts(flow, own(axis)) && target(axis) !== 1 && !counts(flow, target(axis))) stale.push(axis)
  }
  if (stale.length > 0) {
    const wanted = Array.from({ length: rank }, (_, axis): ShapeEntry => {
      const dim = stale.includes(axis) ? 1 : target(axis)
      return typeof dim === 'number' ? dim : { given: axis - rank + value.length }
    })
    replace(flow, node, inputs, 1, flow.shape(wanted, node.input[0] as string, node, inputs))
  }
  const axes = data.dims.flatMap((dim, axis) =>
    dim !== 1 && !counts(flow, dim) && counts(flow, target(axis + rank - data.rank)) ? [axis] : [],
  )
  const [first] = axes
  if (first !== undefined) {
    const skipped = rowsBehind(flow, target(first + rank - data.rank), data.dims[first] as Dim)
    takeOperand(flow, node, inputs, 0, axes, rank, skipped)
  }
  return inputs
}

/** Repeats along other axes than the tokens'. */
export const tile: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, repeats] = inputs as [Tensor, Tensor]
  const apart = data.dims.every((dim, axis) => !counts(flow, dim) || repeats.value?.[axis] === 1)
  return apart ? inputs : refuseOp(node)
}

function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i])
}
