import { MOST_AXES } from '../expression/apply.ts'
import { type Dim, divideExactly, isUnknown, mulDims, unknownDim } from '../expression/dim.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'

/**
 * Why two sizes meet: an operator takes only equal ones, or stretches a 1 as well, or reads as many rows of the second as the first says, or
 * the smaller one is wanted.
 */
export type Meeting = 'equal' | 'broadcast' | 'rows' | 'smaller'

/** Says which size two different sizes both are, or undefined if they are a mistake. */
export type Unification = (a: Dim, b: Dim, meeting: Meeting) => Dim | undefined

let unification: Unification | undefined

/**
 * Runs `build` with a say on symbolic sizes that meet and differ (`N` and `seq` in an exported graph). Without it, and
 * where it returns undefined, such sizes are a ShapeProblem. Two different numbers are always one.
 */
export function withUnification<T>(handler: Unification, build: () => T): T {
  const outer = unification
  unification = handler
  try {
    return build()
  } finally {
    unification = outer
  }
}

/** The common size of two axes that have to be equal; nothing is known against an unknown size. */
export function sameDim(a: Dim, b: Dim): Dim {
  const dim = unify(a, b, 'equal')
  if (dim === undefined) throw new ShapeProblem(`sizes ${a} and ${b} differ`)
  return dim
}

/** The smaller of two sizes if something is known of them, such as that a sequence has at most as many tokens as a table has rows. */
export function knownSmaller(a: Dim, b: Dim): Dim | undefined {
  return isUnknown(a) || isUnknown(b) ? undefined : unification?.(a, b, 'smaller')
}

/** Rows 0 to `count` − 1 are read along an axis: usually all of it, under the name that another input gives to its size. */
export function readRows(count: Dim, axis: Dim): void {
  if (typeof count === 'string' && typeof axis === 'string') unify(count, axis, 'rows')
}

function unify(a: Dim, b: Dim, meeting: Meeting): Dim | undefined {
  if (a === b || isUnknown(b)) return a
  if (isUnknown(a)) return b
  if (typeof a === 'number' && typeof b === 'number') return undefined
  return unification?.(a, b, meeting)
}

/** Shape of an elementwise result under ONNX (numpy) broadcasting. */
export function broadcastDims(...shapes: readonly (readonly Dim[])[]): Dim[] {
  let rank = 0
  for (const shape of shapes) rank = Math.max(rank, shape.length)
  const result: Dim[] = []
  for (let axis = 0; axis < rank; axis++) {
    let dim: Dim = 1
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1
      if (own === 1 || own === dim) continue
      if (dim === 1) {
        dim = own
        continue
      }
      const common = unify(dim, own, 'broadcast')
      if (common === undefined) throw new ShapeProblem(`sizes ${dim} and ${own} of axis ${axis} do not broadcast`)
      dim = common
    }
    result.push(dim)
  }
  return result
}

/** Broadcast shape of tensors; undefined if one of them has an unknown number of axes. */
export function broadcastOf(tensors: readonly Tensor[]): Dim[] | undefined {
  const shapes: (readonly Dim[])[] = []
  for (const tensor of tensors) {
    if (!tensor.hasShape) return undefined
    shapes.push(tensor.dims)
  }
  return broadcastDims(...shapes)
}

/** The shape, or undefined if the number of axes is unknown. */
export function dimsOf(tensor: Tensor): readonly Dim[] | undefined {
  return tensor.hasShape ? tensor.dims : undefined
}

/**
 * The shape that a tensor holds: one size for each of its elements, unknown ones where its contents are. Undefined if
 * not even their number is known.
 * @throws ShapeProblem if it has more axes than there can be
 */
export function shapeIn(target: Tensor): readonly Dim[] | undefined {
  const length = target.value?.length ?? dimsOf(target)?.[0]
  if (typeof length !== 'number') return undefined
  if (length > MOST_AXES) throw new ShapeProblem(`asks for ${length} axes`)
  return target.value ?? Array.from({ length }, unknownDim)
}

export function product(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(mulDims, 1)
}

/** total / part where every element must find a place; undefined if that is unknown. */
export function quotient(total: Dim, part: Dim): Dim | undefined {
  if (isUnknown(total) || isUnknown(part)) return undefined
  if (typeof total === 'number' && typeof part === 'number' && part !== 0 && total % part !== 0) {
    throw new ShapeProblem(`${total} elements do not fill rows of ${part}`)
  }
  return divideExactly(total, part)
}

/** All sizes as numbers, or undefined if one is symbolic. */
export function staticDims(dims: readonly Dim[] | undefined): readonly number[] | undefined {
  return dims?.every((dim) => typeof dim === 'number') ? (dims as readonly number[]) : undefined
}
