import { concat, constant, shape, slice, sub, type Tensor } from '@tp/core'
import type { ShapeEntry } from './operator.ts'

/** A shape from numbers, sizes of `data` and entries of the shape before. */
export function shapeExpression(entries: readonly ShapeEntry[], data: Tensor, present?: Tensor): Tensor {
  if (entries.every((entry) => typeof entry === 'number')) return constant(entries, 'int64')
  const parts = entries.map((entry) => {
    if (typeof entry === 'number') return constant([entry], 'int64')
    if ('copied' in entry) return slice(present as Tensor, { axis: 0, start: entry.copied, end: entry.copied + 1 })
    const size = shape(data, { start: entry.axis, end: entry.axis + 1 })
    return entry.less === undefined ? size : sub(size, entry.less)
  })
  return concat(parts, 0)
}
