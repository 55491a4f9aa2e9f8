import { applyOne, MOST_ELEMENTS } from '../expression/apply.ts'
import { addDims, type Dim, floorDivideDims, isPositive, isUnknown, mulDims, unknownDim } from '../expression/dim.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { asTensor, constantData, type Operand } from './constant.ts'
import { at } from './kernels.ts'
import { isFloat, operand, sameType } from './operands.ts'

/** start, start + step, … up to but not with the limit; all three are scalars. */
export const Range: Op = {
  name: 'Range',
  since: 11,
  infer(inputs) {
    const bounds = [operand(inputs, 0), operand(inputs, 1), operand(inputs, 2)] as const
    const dtype = sameType(...bounds)
    const [start, limit, step] = bounds.map(scalar)
    if (start === undefined || limit === undefined || step === undefined) return [{ dtype, dims: [unknownDim()] }]
    if (typeof start === 'number' && typeof limit === 'number' && typeof step === 'number') {
      const count = Math.max(0, Math.ceil((limit - start) / step))
      const value =
        isFloat(dtype) || count > MOST_ELEMENTS ? undefined : Array.from({ length: count }, (_, i) => start + i * step)
      return [{ dtype, dims: [count], value }]
    }
    return [{ dtype, dims: [length(start, limit, step)] }]
  },
  run(inputs, _, context) {
    const [start, limit, step] = [0, 1, 2].map((i) => at(inputs, i).data[0]) as [number, number, number]
    const result = context.zeros(at(inputs, 0).dtype, [Math.max(0, Math.ceil((limit - start) / step))])
    for (let i = 0; i < result.data.length; i++) result.data[i] = start + i * step
    return [result]
  },
}

function scalar(tensor: Tensor): Dim | undefined {
  if (tensor.value !== undefined) return tensor.value[0]
  const { op, inputs } = tensor.node
  // Centers of patches, 0.5, 1.5, …: their number is cast to float first.
  return op.name === 'Cast' ? inputs[0]?.value?.[0] : constantData(tensor)?.data[0]
}

// ceil((limit - start) / step) for named bounds; the limit is taken to lie beyond the start
function length(start: Dim, limit: Dim, step: Dim): Dim {
  if (isUnknown(start) || isUnknown(limit) || typeof step !== 'number' || step === 0) return unknownDim()
  // Downwards it is as long as upwards by the other signs, if the limit lies there.
  if (step < 0) {
    const upwards = length(mulDims(start, -1), mulDims(limit, -1), -step)
    return isPositive(upwards) ? upwards : unknownDim()
  }
  // names stand for whole numbers, and ceil(n - 0.5) is n
  if (step === 1 && typeof start === 'number') return addDims(limit, -Math.floor(start))
  if (![start, limit, step].every(isWhole)) return unknownDim()
  return floorDivideDims(addDims(limit, addDims(mulDims(start, -1), step - 1)), step)
}

function isWhole(dim: Dim): boolean {
  return typeof dim === 'string' || Number.isInteger(dim)
}

const SAME_CONTENTS = new Set(['Cast', 'Expand', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze'])
/** Operators between a range and what reads it; exporters write three to six. */
const MOST_STEPS = 16

/** How many numbers 0, 1, 2, … a tensor holds, in whatever shape and however often each; undefined if it holds others. */
export function countOf(tensor: Tensor): Dim | undefined {
  let { node } = tensor
  for (let steps = 0; SAME_CONTENTS.has(node.op.name) && steps < MOST_STEPS; steps++) {
    const [source] = node.inputs
    if (source === undefined) return undefined
    node = source.node
  }
  if (node.op !== Range) return undefined
  const [start, limit, step] = node.inputs.map((bound) => bound && scalar(bound))
  return start === 0 && step === 1 ? limit : undefined
}

/** start, start + step, … up to but not with `limit`, of the type of the tensor among the three (default int64). */
export function range(start: Operand, limit: Operand, step: Operand = 1): Tensor {
  const typed = [start, limit, step].find((bound) => typeof bound !== 'number') as Tensor | undefined
  const like = typed?.dtype ?? 'int64'
  return applyOne(
    Range,
    [start, limit, step].map((bound) => asTensor(bound, like)),
  )
}
