import type { Tensor } from '@tp/core'
import { type Dim, mulDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { counts } from './flow.ts'
import { einsum as meaning } from './fused/einsum.ts'
import { inputsOf } from './node-inputs.ts'
import type { Flow, Inputs, Operator, Repair, RowRule, UpstreamRule } from './operator.ts'

/**
 * Makes the operands of an Einsum follow the tokens: each letter that counts tokens in one operand has to count them in
 * all. An operand that is the same for every example gets an axis for the examples, once they keep different tokens:
 * bhld,lrd->bhlr becomes bhld,blrd->bhlr.
 */
const repair: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const { terms, result } = einsumTerms(node)
  const counted = new Set<string>()
  inputs.forEach((x, i) => {
    x?.dims.forEach((dim, axis) => {
      if (counts(flow, dim)) counted.add(terms[i]?.[axis] as string)
    })
  })
  for (const [i, x] of inputs.entries()) {
    const term = terms[i] as string
    const axes = x?.dims.flatMap((dim, axis) => (counted.has(term[axis] as string) && !counts(flow, dim) ? [axis] : []))
    if (x === undefined || axes === undefined || axes.length === 0) continue
    // Summed over with the tokens: weights that are made from a mask belong to these, constants to their positions.
    const isSummed = axes.some((axis) => !result.includes(term[axis] as string))
    if (isSummed && !flow.program.dependsOnInputs(node.input[i] as string)) {
      const reason = 'a product sums over the tokens with fixed weights (one for each position), so none can be pruned'
      throw new Refused('TP_TOKEN_MIXING', reason, node)
    }
    takeOperand(flow, node, inputs, i, axes)
  }
  return inputs
}

/** Makes one operand follow along some of its axes. */
function takeEinsumOperand(flow: Flow, node: NodeProto, index: number, axes: readonly number[]): void {
  takeOperand(flow, node, inputsOf(flow, node), index, axes)
}

function takeOperand(flow: Flow, node: NodeProto, inputs: Inputs, i: number, axes: readonly number[]): void {
  const x = inputs[i] as Tensor
  const { terms, result } = einsumTerms(node)
  const term = terms[i] as string
  const hasRows = rowLetters(inputs, terms, i).includes(term[0] as string)
  const taken = flow.take(node.input[i] as string, axes, hasRows ? x.rank : x.rank + 1, node)
  flow.rewire(node, i, taken.name)
  inputs[i] = taken.tensor
  if (taken.tensor.rank === x.rank) return
  terms[i] = rowLetter(taken.tensor, inputs, terms, i, node) + term
  rewrite(node, `${terms.join()}->${result}`)
}

/** Letters of each operand of an Einsum and of the result, in its present equation. */
function einsumTerms(node: NodeProto): { readonly terms: string[]; readonly result: string } {
  return termsOf(new TextDecoder().decode(node.attribute.find(({ name }) => name === 'equation')?.s))
}

function termsOf(equation: string): { readonly terms: string[]; readonly result: string } {
  const [left = '', right] = equation.replaceAll(' ', '').split('->')
  const all = left.replaceAll(',', '')
  // Without a result: the letters that appear once, in order.
  const once = [...new Set(all)].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort()
  return { terms: left.split(','), result: right ?? once.join('') }
}

/** Axes of an Einsum's first operand that the result does not have. */
export function summedAxes(node: NodeProto): number[] {
  const { terms, result } = einsumTerms(node)
  return [...(terms[0] ?? '')].flatMap((letter, axis) => (result.includes(letter) ? [] : [axis]))
}

/** First letters of the other operands: the batch, if it is one of theirs. */
function rowLetters(inputs: Inputs, terms: readonly string[], own: number): string[] {
  return terms.flatMap((term, i) => (i === own || inputs[i] === undefined ? [] : [term[0] as string]))
}

/** The letter for the new axis of an operand that counts examples; a new one where it is the same for the whole batch. */
function rowLetter({ dims }: Tensor, inputs: Inputs, terms: readonly string[], own: number, node: NodeProto): string {
  if (dims[0] === 1) return [...letters].find((letter) => !terms.join().includes(letter)) as string
  const other = inputs.findIndex((x, i) => i !== own && x?.dims[0] === dims[0])
  const letter = terms[other]?.[0]
  if (letter !== undefined) return letter
  throw new Refused(
    'TP_TOKEN_AXIS',
    'each example keeps tokens of its own, and this product has no axis for examples',
    node,
  )
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

function rewrite(node: NodeProto, equation: string): void {
  const attribute = node.attribute.find(({ name }) => name === 'equation')
  if (attribute !== undefined) attribute.s = new TextEncoder().encode(equation)
}

/** Each letter of the result is an axis of the operands that have it. */
const rows: RowRule = ({ node }, axis) => {
  const { terms, result } = einsumTerms(node)
  return terms.map((term) => {
    const position = term.indexOf(result[axis] as string)
    return position < 0 ? undefined : position
  })
}

/** The operands that have the letters of some axes of the result. */
const upstream: UpstreamRule = ({ node }, axes) => {
  const { terms, result } = einsumTerms(node)
  const letters = axes.map((axis) => result[axis] as string)
  return terms.flatMap((term, index) => {
    const own = letters.map((letter) => term.indexOf(letter)).filter((axis) => axis >= 0)
    return own.length > 0 ? [{ index, axes: own }] : []
  })
}

/** One for each combination of all letters. */
const multiplyAdds = ({ node: { inputs, attributes } }: Tensor): Dim => {
  const { terms } = termsOf(String(attributes.equation))
  const sizes = terms.flatMap((term, i) =>
    [...term].map((letter, axis) => [letter, inputs[i]?.dims[axis] ?? 1] as const),
  )
  return [...new Map(sizes).values()].reduce<Dim>(mulDims, 1)
}

/** A product in Einstein's notation. For a form that is the product of two matrices, its meaning: see `fused/einsum.ts`. */
export const einsum: Operator = {
  traits: ['product'],
  rows,
  repair,
  upstream,
  take: takeEinsumOperand,
  multiplyAdds,
  meaning,
}
