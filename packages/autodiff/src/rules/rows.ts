import { range as numbersFrom, scatterND, squeeze, type Tensor, transpose, unsqueeze } from '@tp/core'
import { range, zerosLike } from '../rule.ts'

/**
 * Gradients of rows of one axis, added up where the rows were read; 0 elsewhere.
 * @param rows where `x` has that axis they have the axes of `indices`
 * @param x what was read, for its shape
 */
export function rowsBack(rows: Tensor, x: Tensor, indices: Tensor, axis: number): Tensor {
  const zeros = zerosLike(toFront(x, axis))
  const places = unsqueeze(indices, indices.rank)
  const added = scatterND(zeros, places, toFront(rows, axis, indices.rank), { reduction: 'add' })
  return axis === 0 ? added : toPlace(added, axis)
}

/** `count` axes from `axis` on become the first ones. */
function toFront(x: Tensor, axis: number, count = 1): Tensor {
  if (axis === 0) return x
  const moved = range(count).map((i) => axis + i)
  return transpose(x, [...moved, ...range(x.rank).filter((i) => !moved.includes(i))])
}

/** The first axis goes where it came from. */
function toPlace(x: Tensor, axis: number): Tensor {
  const others = range(x.rank).slice(1)
  return transpose(x, [...others.slice(0, axis), 0, ...others.slice(axis)])
}

/** 0, 1, … below a size that is an int64 list of one, or a number. */
export function countTo(size: Tensor | number): Tensor {
  return numbersFrom(0, typeof size === 'number' ? size : squeezed(size))
}

function squeezed(size: Tensor): Tensor {
  return size.rank === 0 ? size : squeeze(size, 0)
}
