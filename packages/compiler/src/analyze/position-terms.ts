import type { Tensor } from '@tp/core'
import { constantData, type Dim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { rowAxes } from '../operators/row-axes.ts'
import { hasTrait, isNamedWith } from '../operators/traits.ts'
import { type Program, readsShape } from '../program/program.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import type { Layer } from './layer.ts'
import { TOKENS, type TokenAxis } from './token-axis.ts'

/** Weights of masks are larger than that, and those of biases far smaller. */
const LARGEST_WEIGHT = 1000

/** True for operators by whose result is hidden what is hidden by an operand: sums, and what lays values out differently. */
function isAdditive(op: string): boolean {
  return isNamedWith(op, 'linear', 'same values', 'moved values', 'repeated values')
}

/**
 * The terms of scores that hide nothing: what is computed from the hidden states (content against position, gates, scores of the layer
 * before), and biases that weights make of other inputs (boxes). They are the largest parts of `sides` that add nothing else. With them at 0 only
 * masks and plain position biases remain.
 */
export function quietTerms(sides: readonly Tensor[], streams: readonly Tensor[]): Set<Tensor> {
  const hidden = new Map(streams.map((stream) => [stream, true]))
  const inputs = new Map<Tensor, boolean>()
  const terms = new Set<Tensor>()
  /** Whether what was seen is multiplied by something large: a bias that is says yes or no. */
  const seen = new Map<Tensor, boolean>()
  const queue = sides.map((tensor) => ({ tensor, scaled: false }))
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { tensor, scaled } = next
    if (seen.get(tensor) === true || seen.get(tensor) === scaled) continue
    seen.set(tensor, scaled)
    const { op, inputs: operands } = tensor.node
    if (!streams.includes(tensor) && isAdditive(op.name)) {
      const more = scaled || scales(tensor)
      for (const operand of operands) if (operand !== undefined) queue.push({ tensor: operand, scaled: more })
    } else if (dependsOn(tensor, hidden) || (!scaled && isBias(tensor) && dependsOn(tensor, inputs, isInput))) {
      terms.add(tensor)
    } else terms.delete(tensor)
  }
  return terms
}

/** A factor that is not known to be small. */
function scales({ node: { op, inputs } }: Tensor): boolean {
  if (!isNamedWith(op.name, 'factor')) return false
  const factors = inputs.map((operand) => operand && constantData(operand))
  const isSmall = (weight: number): boolean => weight < LARGEST_WEIGHT && weight > 1 / LARGEST_WEIGHT
  return !factors.some((factor) => factor?.data.every((weight) => isSmall(Math.abs(Number(weight)))))
}

function isInput({ node }: Tensor): boolean {
  return node.op.name === 'Input'
}

/** Rows of a table, or a product with weights. */
function isBias({ node: { op, inputs } }: Tensor): boolean {
  const weights = op.name === 'Gather' ? inputs.slice(0, 1) : isNamedWith(op.name, 'product') ? inputs : []
  return weights.some((operand) => {
    const known = operand?.dtype.startsWith('float') ? constantData(operand) : undefined
    return known?.data.every((weight) => Math.abs(Number(weight)) < LARGEST_WEIGHT) === true
  })
}

/** Whether the contents of an expression depend on what is known to, or on a source; `known` is filled up. No recursion: expressions may be deep. */
function dependsOn(
  tensor: Tensor,
  known: Map<Tensor, boolean>,
  isSource: (tensor: Tensor) => boolean = () => false,
): boolean {
  const stack = [tensor]
  for (let next = stack.at(-1); next !== undefined; next = stack.at(-1)) {
    const { op, inputs } = next.node
    const sources = readsShape({ opType: op.name }) ? [] : inputs.filter((input) => input !== undefined)
    const open = known.has(next) ? [] : sources.filter((input) => !known.has(input))
    if (open.length > 0) {
      for (const input of open) stack.push(input)
      continue
    }
    stack.pop()
    if (!known.has(next)) known.set(next, isSource(next) || sources.some((input) => known.get(input)))
  }
  return known.get(tensor) as boolean
}

/**
 * Proves that what a layer adds to the score of a query and a key, and computes from the hidden states, is computed
 * from these two tokens and their positions alone. Then it is the same whichever other tokens are pruned.
 * @throws Refused TP_POSITION_BIAS
 */
export function requirePairwiseTerms(program: Program, axis: TokenAxis, layer: Layer, stream: string): void {
  const { query, keyTransposed, sides } = layer.attention
  const done = new Set([stream, layer.input, query, keyTransposed])
  if (sides.length === 0) return
  const hidden = program.after(stream)
  const queue = sides.filter((side) => hidden.has(side) && !isSameForAllKeys(axis, side))
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const node = program.graph.producer(name)
    if (done.has(name) || node === undefined || !hidden.has(name)) continue
    done.add(name)
    if (mixesTokens(program, axis, node, name)) throw notPairwise(node)
    for (const input of node.input) queue.push(input)
  }
}

/** A term that is the same for all keys of a query changes no probability: the largest score, that softmax subtracts. */
function isSameForAllKeys(axis: TokenAxis, side: string): boolean {
  return axis.changed.get(side)?.dims.at(-1) === 1
}

/** True if an element of the result is computed from tokens other than those of its own position. */
function mixesTokens(program: Program, axis: TokenAxis, node: NodeProto, name: string): boolean {
  const output = axis.changed.get(name)
  // The range of all of them only decides how exactly each is represented.
  if (hasTrait(node, 'rounded by range')) return false
  if (output === undefined) return node.input.some((input) => axis.changed.has(input))
  const inputs = node.input.map((input) =>
    input === '' ? undefined : (axis.changed.get(input) ?? program.tensor(input)),
  )
  const isTokens = (dim: Dim): boolean => dim === TOKENS
  const { attributes } = program.tensor(name).node
  const rows = output.dims.flatMap((dim, position) =>
    isTokens(dim) ? [rowAxes({ node, inputs, output, attributes, isTokens }, position)] : [],
  )
  return inputs.some((input, i) => {
    if (input === undefined || !axis.changed.has(node.input[i] as string)) return false
    const named = rows.map((row) => row[i])
    return input.dims.some((dim, position) => isTokens(dim) && !named.includes(position))
  })
}

function notPairwise(node: NodeProto): Refused {
  return new Refused(
    'TP_POSITION_BIAS',
    `the position term of the scores is computed across tokens by "${nameOf(node)}" (${operatorName(node)} over more than one query and one key), so it would change when tokens are pruned; use a model whose position term depends on one query and one key at a time`,
    node,
  )
}
