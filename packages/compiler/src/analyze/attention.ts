import type { Tensor } from '@tp/core'
import { constantData } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { isHeadReshape } from '../operators/head-reshape.ts'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/**
 * One attention found in a graph, whatever its face: softmax(Q·Kᵀ·s + bias)·V, by the names of its values.
 * Scales may sit before or after the product, masks be added or chosen by Where.
 */
export interface Attention {
  /** left operand of Q·Kᵀ: [b,h,n,d]; with heads folded into the batch [b·h,n,d], which with one head is [b,n,d] */
  readonly query: string
  /** right operand of Q·Kᵀ: [b,h,d,n] */
  readonly keyTransposed: string
  /** right operand of probabilities·V: [b,h,n,d] */
  readonly value: string
  /** result of the softmax: [b,h,n,n] */
  readonly probabilities: string
  /** probabilities·V: [b,h,n,d] */
  readonly context: string
  /** Nodes from Q·Kᵀ to the softmax, both included, in order. */
  readonly chain: readonly NodeProto[]
  /** Other operands of the chain: masks, position biases, scales. */
  readonly sides: readonly string[]
}

/** Of operators between Q·Kᵀ and the softmax, besides those that change no value; all elementwise. */
const ofScores = ['arithmetic', 'choice', 'activation'] as const

function changesNoValue(node: NodeProto): boolean {
  return hasTrait(node, 'same values', 'rounded values')
}

/** Every attention of the graph, in the order of its softmaxes. */
export function findAttentions(program: Program): Attention[] {
  const found: Attention[] = []
  for (const node of program.graph.nodes) {
    if (!hasTrait(node, 'softmax')) continue
    const attention = matchAttention(program, node)
    if (attention !== undefined) found.push(attention)
  }
  return found
}

function matchAttention(program: Program, softmax: NodeProto): Attention | undefined {
  const probabilities = softmax.output[0] as string
  if (!softensLastAxis(program.tensor(probabilities))) return undefined
  const mix = followProbabilities(program, probabilities)
  const chain = scoreChain(program, softmax.input[0] as string)
  if (mix === undefined || chain === undefined) return undefined
  const [product] = chain as [NodeProto]
  const inner = new Set([...chain, softmax].flatMap((node) => node.output))
  const sides = chain
    .slice(1)
    .filter((node) => !hasTrait(node, 'moved values'))
    .flatMap((node) => node.input.filter((name) => name !== '' && !inner.has(name)))
  return {
    query: product.input[0] as string,
    keyTransposed: product.input[1] as string,
    value: mix.input[1] as string,
    probabilities,
    context: mix.output[0] as string,
    chain: [...chain, softmax],
    sides: [...new Set(sides)],
  }
}

function softensLastAxis(result: Tensor): boolean {
  return result.hasShape && result.rank >= 3 && result.node.attributes.axis === result.rank - 1
}

/** The product with V that reads the probabilities, if they have but one way to go. */
function followProbabilities(program: Program, name: string): NodeProto | undefined {
  for (const { node, index } of program.graph.consumers(name)) {
    if (isMatMul(node) && index === 0 && program.dependsOnInputs(node.input[1] as string)) return node
    const passes =
      changesNoValue(node) || (index === 0 && isHeadReshape(program, node)) || isZeroing(program, node, name)
    if (!passes) continue
    const further = followProbabilities(program, node.output[0] as string)
    if (further !== undefined) return further
  }
  return undefined
}

/** A choice that replaces some probabilities by 0: of hidden keys, or of queries that see no key (NaN). */
export function isZeroing(program: Program, node: NodeProto, name: string): boolean {
  if (!hasTrait(node, 'choice') || node.input[0] === name) return false
  const other = node.input.find((input, i) => i > 0 && input !== name)
  return other !== undefined && constantData(program.tensor(other))?.data.every((weight) => weight === 0) === true
}

/**
 * Nodes from Q·Kᵀ to the value `name`, or undefined if it does not come from one such product.
 * @param tried values that were found to come from none: many paths may lead to one
 */
function scoreChain(program: Program, name: string, tried: Set<string> = new Set()): NodeProto[] | undefined {
  const node = tried.has(name) ? undefined : program.graph.producer(name)
  if (node === undefined) return undefined
  tried.add(name)
  if (isMatMul(node)) return node.input.every((input) => program.dependsOnInputs(input)) ? [node] : undefined
  if (!hasTrait(node, ...ofScores) && !changesNoValue(node) && !isHeadReshape(program, node)) return undefined
  for (const input of node.input) {
    const chain = input === '' ? undefined : scoreChain(program, input, tried)
    if (chain !== undefined) return [...chain, node]
  }
  return undefined
}

function isMatMul(node: NodeProto): boolean {
  return node.opType === 'MatMul' && node.domain === ''
}
