import { applyOne } from '../expression/apply.ts'
import type { AttributeReference, Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { pick } from './contents.ts'
import { at, picked } from './kernels.ts'
import { intsOf, isReference, operand } from './operands.ts'
import { dimsOf, staticDims } from './sizes.ts'
import { stridesOf, walk } from './strides.ts'

/** Axes in another order: axis i of the result is axis perm[i] of the input. */
export const Transpose: Op = {
  name: 'Transpose',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    if (isReference(attributes.perm)) return [{ dtype: x.dtype, dims: undefined }]
    const perm = intsOf(attributes, 'perm') ?? []
    if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw new ShapeProblem(`[${perm}] is no order of axes`)
    const dims = dimsOf(x)
    if (dims !== undefined && dims.length !== perm.length) {
      throw new ShapeProblem(`[${perm}] orders ${perm.length} axes, not ${dims.length}`)
    }
    const order = <T>(list: readonly T[]): T[] => perm.map((axis) => list[axis] as T)
    const sizes = staticDims(dims)
    const value = x.value && sizes && pick(x.value, walk(order(sizes), order(stridesOf(sizes))))
    return [{ dtype: x.dtype, dims: dims && order(dims), value }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const perm = intsOf(attributes, 'perm') ?? []
    const strides = stridesOf(x.dims)
    const dims = perm.map((axis) => x.dims[axis] as number)
    return [
      picked(
        x,
        dims,
        walk(
          dims,
          perm.map((axis) => strides[axis] as number),
        ),
        context,
      ),
    ]
  },
  read({ inputs, attributes }) {
    const [x] = inputs
    const perm = intsOf(attributes, 'perm')
    if (perm !== undefined) return { inputs, attributes: { perm } }
    if (x === undefined || !x.hasShape) return undefined
    return { inputs, attributes: { perm: x.dims.map((_, axis) => x.rank - 1 - axis) } }
  },
}

/** Axes in the order `perm`, by number or name. */
export function transpose(x: Tensor, perm: readonly (number | string)[] | AttributeReference): Tensor {
  return applyOne(Transpose, [x], { perm: isReference(perm) ? perm : perm.map((axis) => axisOf(x, axis)) })
}

/** The last two axes exchanged. */
export function swapLast(x: Tensor): Tensor {
  const { rank } = x
  return transpose(x, [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2])
}
