import { concat, constant, shape, slice, sub, type Tensor } from '@tp/core'
import type { ShapeEntry } from './operator.ts'

/** The values that a shape is made from, besides numbers. */
interface ShapeSources {
  /** The value whose sizes are taken. */
  readonly data: Tensor
  /** [b,n,D] */
  readonly stream: Tensor
  /** The shape before. */
  readonly present?: Tensor | undefined
}

export function shapeExpression(entries: readonly ShapeEntry[], { data, stream, present }: ShapeSources): Tensor {
  if (entries.every((entry) => typeof entry === 'number')) return constant(entries, 'int64')
  const parts = entries.map((entry) => {
    if (typeof entry === 'number') return constant([entry], 'int64')
    if ('copied' in entry) return slice(present as Tensor, { axis: 0, start: entry.copied, end: entry.copied + 1 })
    if ('ofStream' in entry) return shape(stream, { start: 0, end: 1 })
    const size = shape(data, { start: entry.axis, end: entry.axis + 1 })
    return entry.less === undefined ? size : sub(size, entry.less)
  })
  return concat(parts, 0)
}
