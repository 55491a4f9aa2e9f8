import { constant, evaluate } from '@tp/core'
import { constantData } from '@tp/core/expression'
import { isOpaque } from '@tp/onnx'
import { hasTrait, operatorOf, returnsFirst } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/**
 * The number that a value has for every token that is marked, where that follows from the marks alone; undefined for a value that
 * other things decide (sizes of merged tokens, which are 1 or more).
 * @param marks values that mark padding, with the number by which each does; or those by which they mark other tokens
 */
export function numberAtMarks(program: Program, name: string, marks: ReadonlyMap<string, number>): number | undefined {
  const seen = new Map<string, number | undefined>(marks)
  return visit(name)

  function visit(value: string): number | undefined {
    if (!seen.has(value)) seen.set(value, numberOf(program, value, visit))
    return seen.get(value)
  }
}

function numberOf(program: Program, name: string, visit: (name: string) => number | undefined): number | undefined {
  const known = constantData(program.tensor(name))?.data
  if (known !== undefined) return known.every((number) => number === known[0]) ? known[0] : undefined
  const node = program.graph.producer(name)
  if (node === undefined) return undefined
  if (returnsFirst(node)) return visit(node.input[0] as string)
  if (operatorOf(node)?.elementwise === undefined || hasTrait(node, 'rounded by range')) return undefined
  const numbers = node.input.map((input) => (input === '' ? undefined : visit(input)))
  if (numbers.some((x, i) => x === undefined && node.input[i] !== '')) return undefined
  const [result] = program.infer(
    node,
    numbers.map((x, i) => (x === undefined ? undefined : constant(x, program.tensor(node.input[i] as string).dtype))),
  )
  return result === undefined || isOpaque(result.node.op) ? undefined : Number(evaluate([result], {})[0]?.data[0])
}
