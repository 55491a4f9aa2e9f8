import type { NodeProto } from '@tp/onnx'
import { hasTrait, returnsFirst } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { constantNumber } from './graph-constant.ts'

/** Where a count divides what comes from the tokens. */
export interface Division {
  readonly node: NodeProto
  /** The input that comes from the count. */
  readonly index: number
  /** From the count to there. */
  readonly path: readonly Step[]
}

/** A node, and the input by which it is reached. */
interface Step {
  readonly node: NodeProto
  readonly index: number
}

/** Where a count, or weights that add up to 1, meet what comes from the tokens and divide it. */
export function divisionsOf(
  program: Program,
  start: string,
  derived: ReadonlySet<string>,
  { isWeight }: { readonly isWeight: boolean },
): Division[] {
  const found: Division[] = []
  const seen = new Set([start])
  const queue: { readonly name: string; readonly isInverse: boolean; readonly path: readonly Step[] }[] = [
    { name: start, isInverse: isWeight, path: [] },
  ]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const { name, isInverse, path } = at
    for (const { node, index } of program.graph.consumers(name)) {
      const output = node.output[0]
      if (index < 0 || output === undefined) continue
      const flips = isInverting(program, node, index)
      if (node.input.some((other, i) => i !== index && derived.has(other))) {
        const divides =
          node.opType === 'Div' && index === 1
            ? !isInverse
            : isInverse && (hasTrait(node, 'product') || node.opType === 'Mul')
        if (divides) found.push({ node, index, path })
      } else if (!seen.has(output) && !derived.has(output) && (flips || isOfCount(node, index))) {
        seen.add(output)
        queue.push({ name: output, isInverse: flips !== isInverse, path: [...path, { node, index }] })
      }
    }
  }
  return found
}

/** Whether a node makes of a count the inverse of it; with the logarithm also by its sign. */
function isInverting(program: Program, node: NodeProto, index: number): boolean {
  if (node.opType === 'Reciprocal' || node.opType === 'Neg') return true
  if (node.opType === 'Div') return index === 1
  if (node.opType !== 'Pow' || index !== 0) return false
  return (constantNumber(program.graph, node.input[1] as string) ?? 1) < 0
}

/** Whether a result follows a count, or the inverse of it, or is laid out differently. */
function isOfCount(node: NodeProto, index: number): boolean {
  if (hasTrait(node, 'choice')) return index > 0
  // A subtrahend and an exponent say nothing of the result.
  const isCommutative = hasTrait(node, 'sum') || node.opType === 'Mul' || node.opType === 'Max' || node.opType === 'Min'
  if (hasTrait(node, 'arithmetic', 'activation', 'function')) return isCommutative || index === 0
  return index === 0 && (returnsFirst(node) || node.opType === 'Gather')
}

/** Whether something is divided by a value, wherever it comes from. */
export function isDividedBy(program: Program, name: string): boolean {
  return program.graph.consumers(name).some(({ node, index }) => {
    if (node.opType === 'Reciprocal' || (node.opType === 'Div' && index === 1)) return true
    return isOfCount(node, index) && node.output[0] !== undefined && isDividedBy(program, node.output[0])
  })
}
