import type { Tensor } from '@tp/core'
import { type Dim, substituteDim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { counts } from './flow.ts'
import { type Flow, hasTraitIn, operatorName } from './operator.ts'

/** Of operators whose result is one number if their input, computed from the number of tokens, is one. */
const ofNumbers = ['arithmetic', 'same values', 'unit axes', 'joined values'] as const

/** True if what a node fills a shape with itself goes into an operator that looks at positions. */
function isPositional({ program, operators }: Flow, node: NodeProto): boolean {
  const seen = new Set([node])
  for (const each of seen) {
    for (const { node: reader } of program.graph.consumers(each.output[0] as string)) {
      if (hasTraitIn(operators, operatorName(reader), 'positional')) return true
      if (hasTraitIn(operators, operatorName(reader), 'same values', 'unit axes')) seen.add(reader)
    }
  }
  return false
}

/**
 * Gives a node that fills a shape with one number (input `index`) the number of tokens that the model began with, if
 * positions in it mean something (a mask that is written at computed positions): what is made from it then has all tokens, and
 * follows where it meets them. Undefined where that is not needed.
 */
export function fillWhole(
  flow: Flow,
  node: NodeProto,
  inputs: readonly (Tensor | undefined)[],
  index: 0 | 1,
): (Tensor | undefined)[] | undefined {
  if (!countsTokens(flow, inputs[index]) || !isPositional(flow, node)) return undefined
  const whole = shapeWhole(flow, node, inputs, index)
  if (whole !== undefined) return whole
  const seen = 'a value of one entry for each token is filled in by position'
  throw new Refused('TP_POSITIONS', `${seen}, and its shape is made from sizes that are not known`, node)
}

/** The same for any shape of a node, input `index`: that of a value that has all tokens. Undefined where it does not count them, or has sizes that are not known. */
export function shapeWhole(
  flow: Flow,
  node: NodeProto,
  inputs: readonly (Tensor | undefined)[],
  index: 0 | 1,
): (Tensor | undefined)[] | undefined {
  const { value = [] } = inputs[index] as Tensor
  if (!countsTokens(flow, inputs[index])) return undefined
  if (!flow.edits) return inputs.map((x, i) => (i === index ? flow.program.tensor(node.input[i] as string) : x))
  const whole = flow.wholeShape(value, node)
  if (whole === undefined) return undefined
  flow.rewire(node, index, whole.name)
  return inputs.map((x, i) => (i === index ? whole.tensor : x))
}

function countsTokens(flow: Flow, shape: Tensor | undefined): boolean {
  return shape?.value?.some((dim: Dim) => counts(flow, dim)) === true
}

/**
 * Gives a node that takes the smaller of the number of tokens and another one the number of tokens that the model began
 * with, if rows of a table are cut out by it (distances between tokens, up to the farthest that there are): positions
 * are those of all tokens. Undefined where that is not needed.
 */
export function limitWhole(
  flow: Flow,
  node: NodeProto,
  inputs: readonly (Tensor | undefined)[],
): (Tensor | undefined)[] | undefined {
  const isCount = (x: Tensor | undefined): boolean => x?.dtype === 'int64' && isWhole(flow, x)
  const isNumber = (x: Tensor | undefined): boolean => x?.value?.length === 1 && typeof x.value[0] === 'number'
  if (!inputs.some(isCount) || !inputs.every((x) => isCount(x) || isNumber(x)) || !isBound(flow, node)) {
    return undefined
  }
  return inputs.map((x, i) => {
    if (!isCount(x)) return x
    const whole = flow.wholeCount(x?.rank === 0 ? 0 : 1, node)
    if (whole === undefined) return flow.program.tensor(node.input[i] as string)
    flow.rewire(node, i, whole.name)
    return whole.tensor
  })
}

/** True if a value is one number: that of the tokens before any was pruned. */
function isWhole(flow: Flow, { value }: Tensor): boolean {
  const [dim] = value ?? []
  if (value?.length !== 1 || dim === undefined || !counts(flow, dim)) return false
  return substituteDim(dim, new Map([[flow.count, flow.before]])) === flow.before
}

/** True if a slice begins or ends at what is computed from a number. */
function isBound({ program, operators }: Flow, node: NodeProto): boolean {
  const seen = new Set([node])
  for (const each of seen) {
    for (const { node: reader, index } of program.graph.consumers(each.output[0] as string)) {
      if (reader.opType === 'Slice' && (index === 1 || index === 2)) return true
      const isNumber =
        hasTraitIn(operators, operatorName(reader), ...ofNumbers) &&
        program.tensor(reader.output[0] as string).value !== undefined
      if (isNumber) seen.add(reader)
    }
  }
  return false
}
