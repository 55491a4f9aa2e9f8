import type { Dim, Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../refusal.ts'
import { counts, type Flow } from './flow.ts'
import { placingOps } from './operators.ts'
import type { Program } from './program.ts'

const renaming = new Set(['Cast', 'Identity', 'Unsqueeze', 'Squeeze'])

/** True if what a node fills a shape with goes, itself, into an operator that looks at places. */
function isPlaced(program: Program, node: NodeProto): boolean {
  const readers = program.graph.consumers(node.output[0] as string).map((use) => use.node)
  return readers.some(
    ({ opType }, i) => placingOps.has(opType) || (renaming.has(opType) && isPlaced(program, readers[i] as NodeProto)),
  )
}

/**
 * Gives a node that fills a shape with one number (input `index`) the number of tokens that the model began with, if
 * places in it mean something (a mask that is written at computed places): what is made from it then has all tokens, and
 * follows where it meets them. Undefined where that is not needed.
 */
export function fillWhole(
  flow: Flow,
  node: NodeProto,
  inputs: readonly (Tensor | undefined)[],
  index: 0 | 1,
): (Tensor | undefined)[] | undefined {
  const { value } = inputs[index] as Tensor
  if (value?.some((dim: Dim) => counts(flow, dim)) !== true || !isPlaced(flow.program, node)) return undefined
  if (!flow.edits) return inputs.map((x, i) => (i === index ? flow.program.tensor(node.input[i] as string) : x))
  const whole = flow.wholeShape(value, node)
  if (whole === undefined) {
    throw new Refused(
      'TP_POSITIONS',
      'a value of one entry for each token is filled in by places, and its shape is made from sizes that are not known',
      node,
    )
  }
  flow.rewire(node, index, whole.name)
  return inputs.map((x, i) => (i === index ? whole.tensor : x))
}
