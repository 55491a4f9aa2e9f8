import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import { isUnknown } from '../expression/dim.ts'
import type { Op, RawNode } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { ints } from './constant.ts'
import { at, reshaped } from './kernels.ts'
import { frontAxes, frontAxis, intsOf, numbersOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** New axes of size 1, at positions of the result. */
export const Unsqueeze: Op = {
  name: 'Unsqueeze',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    return [{ dtype: x.dtype, dims: dims && widened(dims, intsOf(attributes, 'axes') ?? []), value: x.value }]
  },
  run(inputs, attributes) {
    const x = at(inputs, 0)
    return [reshaped(x, widened(x.dims, intsOf(attributes, 'axes') ?? []))]
  },
  write: ({ inputs, attributes }, opset) => writeAxes('Unsqueeze', inputs, attributes.axes as readonly number[], opset),
  read(raw, opset) {
    const axes = readAxes(raw, opset)
    const [x] = raw.inputs
    return axes && x && { inputs: [x], attributes: { axes: frontAxes(axes, x, axes.length) } }
  },
}

/** The given axes, all of size 1, taken away. */
export const Squeeze: Op = {
  name: 'Squeeze',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    const axes = intsOf(attributes, 'axes') ?? []
    for (const axis of axes) {
      const dim = dims?.[frontAxis(axis, dims.length)]
      if (dim !== undefined && dim !== 1 && !isUnknown(dim)) {
        throw new ShapeProblem(`axis ${axis} has size ${dim}, not 1`)
      }
    }
    return [{ dtype: x.dtype, dims: dims && narrowed(dims, axes), value: x.value }]
  },
  run(inputs, attributes) {
    const x = at(inputs, 0)
    return [reshaped(x, narrowed(x.dims, intsOf(attributes, 'axes') ?? []))]
  },
  write: ({ inputs, attributes }, opset) => writeAxes('Squeeze', inputs, attributes.axes as readonly number[], opset),
  read(raw, opset) {
    const [x] = raw.inputs
    if (x === undefined) return undefined
    const axes = opset < 13 ? raw.attributes.axes : raw.inputs[1]
    if (axes !== undefined) {
      const axes = readAxes(raw, opset)
      return axes && { inputs: [x], attributes: { axes: frontAxes(axes, x) } }
    }
    // all axes of size 1: only known where every size is
    if (!x.hasShape || x.dims.some((dim) => typeof dim !== 'number')) return undefined
    return { inputs: [x], attributes: { axes: x.dims.flatMap((dim, axis) => (dim === 1 ? [axis] : [])) } }
  },
}

function widened<T extends Dim>(dims: readonly T[], axes: readonly number[]): (T | 1)[] {
  const rank = dims.length + axes.length
  const added = new Set(axes.map((axis) => frontAxis(axis, rank)))
  if (added.size !== axes.length) throw new ShapeProblem(`axes [${axes}] repeat`)
  const rest = dims.values()
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.next().value as T)))
}

function narrowed<T extends Dim>(dims: readonly T[], axes: readonly number[]): T[] {
  const removed = new Set(axes.map((axis) => frontAxis(axis, dims.length)))
  return dims.filter((_, axis) => !removed.has(axis))
}

function readAxes({ inputs, attributes }: RawNode, opset: number): readonly number[] | undefined {
  return opset < 13 ? intsOf(attributes, 'axes') : numbersOf(inputs[1])
}

function writeAxes(type: string, inputs: readonly (Tensor | undefined)[], axes: readonly number[], opset: number) {
  const [x] = inputs
  return opset < 13 ? { type, inputs: [x], attributes: { axes } } : { type, inputs: [x, ints(axes)], attributes: {} }
}

/** New axes of size 1 at these positions of the result (negative: from its end). */
export function unsqueeze(x: Tensor, axes: number | readonly number[]): Tensor {
  const list = typeof axes === 'number' ? [axes] : axes
  const added = frontAxes(list, x, list.length)
  return whatLost(x, added) ?? applyOne(Unsqueeze, [x], { axes: added })
}

/** The value before it lost these axes: a GPU keeps indices as a sort gives them, and has to fetch them to change their shape. */
function whatLost({ node }: Tensor, axes: readonly number[]): Tensor | undefined {
  const lost = node.op === Squeeze ? intsOf(node.attributes, 'axes') : undefined
  return lost?.length === axes.length && lost.every((axis, i) => axis === axes[i]) ? node.inputs[0] : undefined
}

/** Without these axes, which must have size 1. */
export function squeeze(x: Tensor, axes: number | readonly number[]): Tensor {
  const list = typeof axes === 'number' ? [axes] : axes
  return applyOne(Squeeze, [x], { axes: list.map((axis) => axisOf(x, axis)) })
}
