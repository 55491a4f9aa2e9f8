import { type Dim, isUnknown, mulDims, subDims } from '@tp/core/expression'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/** Patches in rows: the value whose axis says how many a row has, where they were still a grid. */
export interface Grid {
  readonly value: string
  readonly axis: number
}

/**
 * The grid that tokens were flattened from, row by row: the last reshape upstream of the stream that makes one axis of two, as many as
 * there are tokens without the `leading` ones.
 */
export function gridOf(program: Program, stream: string, leading: number): Grid | undefined {
  const count = subDims(program.tensor(stream).dims[1] as Dim, leading)
  if (isUnknown(count)) return undefined
  const upstream = program.upstream([stream])
  for (const node of [...program.graph.nodes].reverse()) {
    if (!hasTrait(node, 'joined axes') || !upstream.has(node)) continue
    const value = node.input[0] as string
    const [from, to] = [program.tensor(value), program.tensor(node.output[0] as string)]
    if (!from.hasShape || !to.hasShape || from.dims.includes(count) || !to.dims.includes(count)) continue
    const axis = from.dims.findIndex(
      (dim, i) => i > 0 && dim !== 1 && from.dims[i - 1] !== 1 && mulDims(from.dims[i - 1] as Dim, dim) === count,
    )
    if (axis > 0) return { value, axis }
  }
  return undefined
}
