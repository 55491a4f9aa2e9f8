import { constantData } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/**
 * The number that a value has for every token of padding, where that follows from what marks padding alone; undefined for a value that
 * other things decide (sizes of merged tokens, which are 1 or more).
 * @param marks values that mark padding, with the number by which each does
 */
export function numberAtPadding(
  program: Program,
  name: string,
  marks: ReadonlyMap<string, number>,
): number | undefined {
  const seen = new Map<string, number | undefined>(marks)
  return visit(name)

  function visit(value: string): number | undefined {
    if (!seen.has(value)) seen.set(value, numberOf(program, value, visit))
    return seen.get(value)
  }
}

function numberOf(program: Program, name: string, visit: (name: string) => number | undefined): number | undefined {
  const constant = constantData(program.tensor(name))?.data
  if (constant !== undefined) return constant.every((number) => number === constant[0]) ? constant[0] : undefined
  const node = program.graph.producer(name)
  if (node === undefined) return undefined
  const of = (index: number): number | undefined => visit(node.input[index] as string)
  if (returnsFirst(node)) return of(0)
  const compute = functions[node.opType]
  if (compute === undefined || node.domain !== '') return undefined
  const operands = node.input.map((_, index) => of(index))
  return operands.includes(undefined) ? undefined : Number(compute(...(operands as number[])))
}

/** True for a node that returns numbers of its first input, whichever they are. */
function returnsFirst(node: NodeProto): boolean {
  if (hasTrait(node, 'same values', 'moved values', 'repeated values')) return true
  return node.opType !== 'Concat' && hasTrait(node, 'parts')
}

const functions: Readonly<Record<string, (...operands: number[]) => number | boolean>> = {
  Not: (x = 0) => x === 0,
  Equal: (x, y) => x === y,
  Greater: (x = 0, y = 0) => x > y,
  Less: (x = 0, y = 0) => x < y,
  Mul: (x = 0, y = 0) => x * y,
  Sub: (x = 0, y = 0) => x - y,
  Where: (which, x = 0, y = 0) => (which ? x : y),
}
