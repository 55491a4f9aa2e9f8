import { hasTrait, returnsFirst } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/** Operators that make a length of a sum of squares, and keep it above 0, besides those that change its layout. */
const ofLengths = new Set(['Clip', 'Max', 'Add', 'Sqrt', 'Pow'])

/** Whether a value is a quotient of vectors and their Euclidean lengths, however that is written. */
export function isDividedByLength(program: Program, name: string): boolean {
  const node = program.graph.producer(name)
  const [first = '', second = ''] = node?.input ?? []
  if (node === undefined) return false
  if (hasTrait(node, 'same values', 'moved values')) return isDividedByLength(program, first)
  if (node.opType === 'LpNormalization') return true
  if (node.opType === 'Div') return isLength(program, second, first)
  if (node.opType !== 'Mul') return false
  return [
    [first, second],
    [second, first],
  ].some(([vector = '', factor = '']) => {
    const inverse = program.graph.producer(factor)
    return inverse?.opType === 'Reciprocal' && isLength(program, inverse.input[0] as string, vector)
  })
}

/** Whether a value is the length of vectors: √Σx², of the same x. */
function isLength(program: Program, name: string, vectors: string): boolean {
  const { graph } = program
  const isVectors = (input: string | undefined): boolean =>
    input === vectors || (input !== undefined && sourceOf(program, input) === sourceOf(program, vectors))
  const node = graph.producer(name)
  if (node === undefined) return false
  if (node.opType === 'ReduceL2' || node.opType === 'ReduceSumSquare') return isVectors(node.input[0])
  if (node.opType === 'ReduceSum') {
    const square = graph.producer(node.input[0] as string)
    if (square?.opType === 'Pow') return isVectors(square.input[0])
    return square?.opType === 'Mul' && square.input.every(isVectors)
  }
  return (
    (ofLengths.has(node.opType) || returnsFirst(node)) && node.input.some((input) => isLength(program, input, vectors))
  )
}

/** The value before it was cast. */
function sourceOf(program: Program, name: string): string {
  const node = program.graph.producer(name)
  const isSquaredAlike = node !== undefined && (hasTrait(node, 'same values') || node.opType === 'Abs')
  return isSquaredAlike ? sourceOf(program, node.input[0] as string) : name
}
