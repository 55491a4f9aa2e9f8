import { reshape, type Tensor } from '@tp/core'
import { type Dim, divideExactly, mulDims } from '@tp/core/expression'
import type { Program } from '../program/program.ts'
import { knownRowAxes } from './row-axes.ts'
import { hasTrait } from './traits.ts'

/**
 * How many heads are folded into the first axis of a value [b·h,…], the examples outside: element i·h + j is
 * head j of example i. Undefined where there are none, or where the order cannot be proved.
 */
export function headsInBatch(program: Program, name: string, batch: Dim): number | undefined {
  const { hasShape, dims } = program.tensor(name)
  const heads = hasShape && dims.length > 0 ? divideExactly(dims[0] as Dim, batch) : undefined
  if (typeof heads !== 'number' || heads <= 1) return undefined
  if (program.heads.get(name) === heads) return heads
  return batch === 1 || hasRowsOutside(program, name, 0, batch, heads) ? heads : undefined
}

/** [b·h,…] → [b,h,…] */
export function unfoldHeads(x: Tensor, heads: number): Tensor {
  const [first, ...rest] = x.dims as [Dim, ...Dim[]]
  const open = rest.some((dim) => typeof dim !== 'number')
  if (!open) return reshape(x, [-1, heads, ...rest])
  return reshape(x, [divideExactly(first, heads) ?? -1, heads, ...rest])
}

/** Follows an axis of size b·h back to where it was made, and tells whether the batch is the outer part of it. */
function hasRowsOutside(
  program: Program,
  name: string,
  axis: number,
  batch: Dim,
  heads: number,
  tried: Set<string> = new Set(),
): boolean {
  const node = program.graph.producer(name)
  // Many ways may lead to one axis of one value; the first that proves it ends the search.
  const key = `${axis} ${name}`
  if (node === undefined || tried.has(key)) return false
  tried.add(key)
  const back = (input: number, position: number): boolean =>
    hasRowsOutside(program, node.input[input] as string, position, batch, heads, tried)
  const output = program.tensor(name)
  const data = program.tensor(node.input[0] as string)
  if (!data.hasShape) return false
  if (hasTrait(node, 'joined axes')) {
    const [outer, ...inner] = foldedAxes(data.dims, output.dims, axis)
    if (outer === undefined) return false
    if (data.dims[outer] === output.dims[axis]) return back(0, outer)
    return data.dims[outer] === batch && !inner.some((position) => data.dims[position] === batch)
  }
  // The heads as they are, once more for every example.
  if (node.opType === 'Tile' && data.dims[axis] === heads) return true
  const rows = knownRowAxes(program, name, axis)
  if (rows === undefined) return false
  // The repeated part is the same for all examples and heads, in whatever order.
  return rows.every((own) => own === undefined) || rows.some((own, i) => typeof own === 'number' && back(i, own))
}

/** The axes of a reshape's input that axis `at` of its result is made of, or begins with. */
function foldedAxes(from: readonly Dim[], to: readonly Dim[], at: number): number[] {
  const before = to.slice(0, at).reduce<Dim>(mulDims, 1)
  const start = from.findIndex((dim, axis) => dim !== 1 && from.slice(0, axis).reduce<Dim>(mulDims, 1) === before)
  if (start < 0) return []
  const ends = from.map((_, axis) => from.slice(start, axis + 1).reduce<Dim>(mulDims, 1))
  const end = ends.findIndex((size, axis) => axis >= start && size === to[at])
  return from.flatMap((_, axis) => (axis >= start && axis <= (end < 0 ? start + 1 : end) ? [axis] : []))
}
