import { constantData } from '@tp/core/expression'
import type { RowAxis } from '../operators/operator.ts'
import { knownRowAxes } from '../operators/row-axes.ts'
import type { Program } from '../program/program.ts'

/** True if a value is certain to be the same all along an axis, as a mask that shows everything is. */
export function isUniform(program: Program, name: string, axis: number): boolean {
  const output = program.tensor(name)
  const size = output.dims[axis]
  if (size === 1) return true
  const constant = constantData(output)
  if (constant !== undefined) return isRepeated(constant, axis)
  const node = program.graph.producer(name)
  if (node === undefined) return false
  if (node.opType === 'Slice') return isUniform(program, node.input[0] as string, axis)
  const isSame = (own: RowAxis, i: number): boolean =>
    own === undefined || (own !== 'all' && isUniform(program, node.input[i] as string, own))
  return knownRowAxes(program, name, axis)?.every(isSame) === true
}

function isRepeated({ dims, data }: NonNullable<ReturnType<typeof constantData>>, axis: number): boolean {
  const [size, inner] = [dims[axis] as number, dims.slice(axis + 1).reduce((a, b) => a * b, 1)]
  for (let i = 0; i < data.length; i++) {
    const isFirst = Math.floor(i / inner) % size === 0
    if (!isFirst && data[i] !== data[i - inner]) return false
  }
  return true
}
