import { applyOne } from '../expression/apply.ts'
import { addDims, type Dim } from '../expression/dim.ts'
import type { Op, Value } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, operand, sameType } from './operands.ts'
import { sameDim } from './sizes.ts'
import { around } from './strides.ts'

/** Tensors one after another along an axis. */
export const Concat: Op = {
  name: 'Concat',
  infer(inputs, attributes) {
    const parts = inputs.map((_, i) => operand(inputs, i))
    const [first] = parts
    if (first === undefined) throw new ShapeProblem('has no inputs')
    const dtype = sameType(...parts)
    // one part of known rank tells the others' rank, but not their size
    if (parts.some((part) => !part.hasShape)) return [{ dtype, dims: undefined }]
    const axis = frontAxis(intOf(attributes, 'axis', 0), first.rank)
    const dims = [...first.dims]
    for (const part of parts.slice(1)) {
      if (part.rank !== dims.length) throw new ShapeProblem(`numbers of axes ${dims.length} and ${part.rank} differ`)
      part.dims.forEach((dim, i) => {
        dims[i] = i === axis ? addDims(dims[i] as Dim, dim) : sameDim(dims[i] as Dim, dim)
      })
    }
    const flat = dims.length === 1 && parts.every((part) => part.value !== undefined)
    return [{ dtype, dims, value: flat ? parts.flatMap((part) => part.value ?? []) : undefined }]
  },
  run(inputs, attributes, context) {
    const parts = inputs as readonly Value[]
    const first = at(inputs, 0)
    const axis = frontAxis(intOf(attributes, 'axis', 0), first.dims.length)
    const size = parts.reduce((sum, part) => sum + (part.dims[axis] as number), 0)
    const result = context.zeros(first.dtype, first.dims.with(axis, size))
    const { outer, inner } = around(result.dims, axis)
    let before = 0
    for (const part of parts) {
      const rows = (part.dims[axis] as number) * inner
      for (let o = 0; o < outer; o++) {
        result.data.set(part.data.subarray(o * rows, (o + 1) * rows), o * size * inner + before)
      }
      before += rows
    }
    return [result]
  },
  read({ inputs, attributes }) {
    const axis = intOf(attributes, 'axis', 0)
    const ranked = inputs.find((part) => part?.hasShape)
    return { inputs, attributes: { axis: ranked === undefined ? axis : frontAxis(axis, ranked.rank) } }
  },
}

/** Tensors one after another along an axis, given by number or by a name in the first. */
export function concat(parts: readonly Tensor[], axis: number | string): Tensor {
  return applyOne(Concat, parts, { axis: axisOf(parts[0] as Tensor, axis) })
}
