import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { checkedIndex, mustBeIndex, operand, sameType, textOf } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** Slices put (or, with `reduction` 'add', added) at index tuples, the last axis of `indices`. */
export const ScatterND: Op = {
  name: 'ScatterND',
  since: 11,
  infer(inputs) {
    const x = operand(inputs, 0)
    mustBeIndex(operand(inputs, 1))
    return [{ dtype: sameType(x, operand(inputs, 2)), dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const indices = at(inputs, 1)
    const updates = at(inputs, 2)
    const add = textOf(attributes, 'reduction', 'none') === 'add'
    const width = indices.dims.at(-1) as number
    const inner = sizeOf(x.dims.slice(width))
    const result = context.zeros(x.dtype, x.dims)
    result.data.set(x.data)
    for (let t = 0; t < sizeOf(indices.dims.slice(0, -1)); t++) {
      let to = 0
      for (let i = 0; i < width; i++) {
        const size = x.dims[i] as number
        to = to * size + checkedIndex(indices.data[t * width + i] as number, size)
      }
      for (let i = 0; i < inner; i++) {
        const update = updates.data[t * inner + i] as number
        const position = to * inner + i
        result.data[position] = add ? (result.data[position] as number) + update : update
      }
    }
    return [result]
  },
  write: ({ inputs, attributes: { reduction } }, opset) => ({
    type: 'ScatterND',
    inputs,
    attributes: opset >= 16 && reduction !== undefined && reduction !== 'none' ? { reduction } : {},
  }),
  read({ inputs, attributes }) {
    const reduction = textOf(attributes, 'reduction', 'none')
    return reduction === 'none' || reduction === 'add' ? { inputs, attributes: { reduction } } : undefined
  },
}

/** `x` with slices replaced at index tuples, or added to. */
export function scatterND(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  { reduction = 'none' }: { readonly reduction?: 'none' | 'add' } = {},
): Tensor {
  return applyOne(ScatterND, [x, indices, updates], { reduction })
}
