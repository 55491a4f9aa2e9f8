import { sizeOf } from '../array.ts'
import { sizeToFill } from './memory.ts'

/** Row-major strides. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length)
  let stride = 1
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= dims[axis] as number
  }
  return strides
}

/** Strides that repeat an array of shape `from` over the shape `to`: 0 along axes that broadcast. */
function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from)
  const skipped = to.length - from.length
  return to.map((_, axis) => (axis < skipped || from[axis - skipped] === 1 ? 0 : (own[axis - skipped] as number)))
}

/** Positions in a source of given strides, visited in row-major order of `dims`. */
export function walk(dims: readonly number[], strides: readonly number[], start = 0): Int32Array {
  const size = sizeToFill(dims)
  const positions = new Int32Array(size)
  if (size === 0) return positions
  const last = dims.length - 1
  if (last < 0) {
    positions[0] = start
    return positions
  }
  const inner = dims[last] as number
  const step = strides[last] as number
  const counter = new Array<number>(dims.length).fill(0)
  let at = start
  for (let i = 0; i < size; ) {
    for (let j = 0, position = at; j < inner; j++, position += step) positions[i++] = position
    for (let axis = last - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number
      const count = (counter[axis] as number) + 1
      at += stride
      if (count < (dims[axis] as number)) {
        counter[axis] = count
        break
      }
      at -= stride * count
      counter[axis] = 0
    }
  }
  return positions
}

/** Positions of an array of shape `from` repeated over the shape `to`. */
export function broadcastWalk(from: readonly number[], to: readonly number[]): Int32Array {
  return walk(to, broadcastStrides(from, to))
}

/** An array seen as [outer, axis, inner]. */
export function around(dims: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  return { outer: sizeOf(dims.slice(0, axis)), size: dims[axis] ?? 1, inner: sizeOf(dims.slice(axis + 1)) }
}

/** Shape of a broadcast of concrete shapes. */
export function broadcastSizes(...shapes: readonly (readonly number[])[]): number[] {
  let rank = 0
  for (const shape of shapes) rank = Math.max(rank, shape.length)
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1
      if (own !== 1) size = own
    }
    return size
  })
}
