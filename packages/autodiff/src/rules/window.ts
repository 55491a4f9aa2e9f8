import { add, gather, mul, reshape, slice, type Tensor, unsqueeze } from '@tp/core'
import { sizesOf } from '../rule.ts'
import { countTo, rowsBack } from './rows.ts'
import { putBack } from './slice.ts'

/** Windows that move along one axis. */
export interface SlidingWindow {
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
}

/** An axis taken apart into the places of a window and its taps: [.., n, ..] → [.., places, taps, ..]. */
export function unfold(x: Tensor, axis: number, window: SlidingWindow, places: number | Tensor): Tensor {
  if (!areApart(window)) return gather(x, positions(window, places), axis)
  return reshape(covered(x, axis, window, places), sizesOf(x).toSpliced(axis, 1, places, window.kernel))
}

/** The way back: what is under several places gets the sum. `x` is what was taken apart. */
export function fold(pieces: Tensor, x: Tensor, axis: number, window: SlidingWindow): Tensor {
  const places = sizesOf(pieces)[axis] as number | Tensor
  if (!areApart(window)) return rowsBack(pieces, x, positions(window, places), axis)
  const sizes = sizesOf(covered(x, axis, window, places))
  return putBack(reshape(pieces, sizes), x, axis, 0)
}

/** Patches that follow each other without gap or overlap: they are only reshaped. */
function areApart({ kernel, stride, dilation }: SlidingWindow): boolean {
  return kernel === stride && dilation === 1
}

/** Where the last stride ends short of the edge, the rest is under no place. */
function covered(x: Tensor, axis: number, { kernel }: SlidingWindow, places: number | Tensor): Tensor {
  if (typeof places === 'number' && x.dims[axis] === places * kernel) return x
  const end = typeof places === 'number' ? places * kernel : mul(places, kernel)
  return slice(x, { axis, start: 0, end })
}

/** [places, taps] of positions along the axis. */
function positions({ kernel, stride, dilation }: SlidingWindow, places: number | Tensor): Tensor {
  const starts = mul(countTo(places), stride)
  return add(unsqueeze(starts, 1), unsqueeze(mul(countTo(kernel), dilation), 0))
}
