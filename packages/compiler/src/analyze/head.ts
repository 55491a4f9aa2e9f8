import { constantData, namesIn } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import type { PositionRead } from '../operators/token-position.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { isZeroing } from './attention.ts'
import { TOKENS, type TokenAxis } from './token-axis.ts'
import { isDividedByLength } from './unit-length.ts'
import type { WholeHead } from './whole-head.ts'

/** One output that is computed from an encoder's tokens. */
export interface HeadOutput {
  readonly output: string
  /** The readings that it is made of: usually one; a head may join the class token with the mean of the others. */
  readonly reads: readonly TokenReading[]
  /** Its vectors are divided by their length. */
  readonly normalized: boolean
}

/** How an output gets from many tokens to what it holds. */
export type TokenReading =
  /** The state of a leading token, by its position. */
  | { readonly kind: 'class-token'; readonly position: number }
  /** The last token, or the last one that is attended. */
  | { readonly kind: 'last-token' }
  /** One token of each example at a position that the inputs decide otherwise. */
  | { readonly kind: 'chosen-token' }
  /** `masked`: over the attended tokens alone. */
  | { readonly kind: 'mean' | 'sum'; readonly masked: boolean }
  | { readonly kind: 'max' }
  /** Weights that are computed from the tokens: attention that pools. */
  | { readonly kind: 'attention' }
  /** A row for every token: the layers' states (at most normalized), or what a trained head makes of each. */
  | { readonly kind: 'token-states' | 'token-answers' }
  /** Every token at its position: a grid of them, or weights for each position. */
  | { readonly kind: 'positions' }
  /** Something else brings the tokens together. */
  | { readonly kind: 'other'; readonly operator: string }

/** The facts about an encoder when its head is analyzed. */
export interface HeadContext {
  /** The stream that the first layer reads. */
  readonly stream: string
  readonly mask: string | undefined
  /** Where the tokens are, downstream of the stream and of where they were restored. */
  readonly axes: readonly TokenAxis[]
  readonly wholeHead: WholeHead | undefined
}

/**
 * How each output reads the tokens, found backwards from it: to the nodes whose result has no token axis any more, while
 * what they read of the encoder has one.
 */
export function findHead(program: Program, context: HeadContext): HeadOutput[] {
  const head = new Head(program, context)
  return program.graph.outputs.flatMap(({ name: output }) => {
    const reads = head.readsOf(output)
    return reads.length === 0 ? [] : [{ output, reads, normalized: isDividedByLength(program, output) }]
  })
}

/** True for operators that change no entry's meaning. */
function passes(node: NodeProto): boolean {
  return hasTrait(node, 'same values', 'rounded values', 'moved values', 'broadcast values')
}

/** Numbers below are written in place of minus infinity. */
const LOWEST = -1e3

class Head {
  readonly #program: Program
  readonly #stream: string
  readonly #mask: string | undefined
  readonly #axes: readonly TokenAxis[]
  readonly #leading: ReadonlyMap<NodeProto, number>
  readonly #positions: ReadonlyMap<NodeProto, PositionRead['position']>
  /** Nodes that need every token at its position. */
  readonly #whole: ReadonlySet<NodeProto>
  /** Values that are computed from the encoder's tokens. */
  readonly #ofTokens: ReadonlySet<string>

  constructor(program: Program, { stream, mask, axes, wholeHead }: HeadContext) {
    this.#program = program
    this.#stream = stream
    this.#mask = mask
    this.#axes = axes
    this.#leading = new Map(axes.flatMap(({ readers }) => readers.map(({ node, tokens }) => [node, tokens])))
    this.#positions = new Map(axes.flatMap((axis) => axis.positionReads.map(({ node, position }) => [node, position])))
    this.#whole = new Set(wholeHead?.reads.flatMap(({ readers }) => readers))
    this.#ofTokens = program.after(stream)
  }

  readsOf(output: string): TokenReading[] {
    if (!this.#ofTokens.has(output)) return []
    if (this.#hasTokens(output)) return [{ kind: this.#isAnswer(output) ? 'token-answers' : 'token-states' }]
    const found = new Map<string, TokenReading>()
    const seen = new Set<string>()
    const queue = [output]
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (seen.has(name) || !this.#ofTokens.has(name)) continue
      seen.add(name)
      const node = this.#program.graph.producer(name)
      const tokens = node?.input.filter((input) => this.#ofTokens.has(input) && this.#hasTokens(input)) ?? []
      if (node === undefined || tokens.length === 0) {
        queue.push(...this.#program.sources(name))
        continue
      }
      const reading = this.#reading(node, tokens)
      found.set(JSON.stringify(reading), reading)
    }
    // In an order that the file's own does not decide.
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reading]) => reading)
  }

  /** @param axis if it has to be this one that counts tokens */
  #hasTokens(name: string, axis?: number): boolean {
    return this.#axes.some(({ changed }) => {
      const { dims = [] } = changed.get(name) ?? {}
      const sizes = axis === undefined ? dims : [dims.at(axis)]
      return sizes.some((dim) => typeof dim === 'string' && namesIn(dim).has(TOKENS))
    })
  }

  /**
   * Whether all that gets there goes through a product: residuals lead around those of the layers, and not around a head. One
   * number for all tokens, or for each (the scale of a quantized product), is not a way around.
   */
  #isAnswer(output: string): boolean {
    const seen = new Set<string>()
    const queue = [output]
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (name === this.#stream) return false
      const node = this.#program.graph.producer(name)
      if (seen.has(name) || !this.#ofTokens.has(name) || node === undefined) continue
      if (hasTrait(node, 'product', 'convolution') || this.#marksPadding(node)) continue
      seen.add(name)
      queue.push(...this.#program.sources(name).filter((source) => !this.#isOneNumber(source)))
    }
    return true
  }

  #isOneNumber(name: string): boolean {
    const { hasShape, dims } = this.#program.tensor(name)
    return hasShape && (dims.length <= 3 ? dims.at(-1) === 1 || dims.length === 0 : dims.every((size) => size === 1))
  }

  /** True where some tokens get minus infinity, which is for choosing the largest: such states have no mean. */
  #marksPadding(node: NodeProto): boolean {
    if (!hasTrait(node, 'choice')) return false
    return node.input.slice(1).some((name) => {
      const data = constantData(this.#program.tensor(name))?.data
      return data?.every((value) => value < LOWEST) === true
    })
  }

  /** @param tokens inputs of the node that have a token axis, which its result does not have */
  #reading(node: NodeProto, tokens: readonly string[]): TokenReading {
    if (this.#whole.has(node)) return { kind: 'positions' }
    const leading = this.#leading.get(node)
    if (leading !== undefined) return { kind: 'class-token', position: leading - 1 }
    const position = this.#positions.get(node)
    if (position !== undefined) return { kind: this.#isLast(position) ? 'last-token' : 'chosen-token' }
    if (hasTrait(node, 'product')) return this.#product(node, tokens)
    const kind = operatorOf(node)?.reduces
    if (kind === undefined) return { kind: 'other', operator: operatorName(node) }
    if (kind === 'max') return { kind }
    return this.#sum(node, kind, this.#weights(tokens[0] as string))
  }

  /** The sum of tokens, each times its weight. */
  #product(node: NodeProto, tokens: readonly string[]): TokenReading {
    if (tokens.length > 1) return this.#weighed(node, tokens)
    const weights = node.input.find((name) => name !== '' && name !== tokens[0])
    return this.#sum(node, 'sum', weights)
  }

  /** The sum of tokens with weights that come from tokens: attention if a softmax over these is among them. */
  #weighed(node: NodeProto, weights: readonly string[]): TokenReading {
    return weights.some((name) => this.#isSoftmax(name))
      ? { kind: 'attention' }
      : { kind: 'other', operator: operatorName(node) }
  }

  /** @param weights what the tokens were multiplied by, if anything */
  #sum(node: NodeProto, kind: 'mean' | 'sum', weights: string | undefined): TokenReading {
    if (weights !== undefined && this.#ofTokens.has(weights)) return this.#weighed(node, [weights])
    const counted = [weights ?? '', ...this.#divisors(node.output[0] as string)]
    const isMean = kind === 'mean' || counted.length > 1 || (weights !== undefined && this.#isShare(weights))
    const masked = counted.some((name) => name !== '' && this.#program.dependsOnInputs(name))
    return { kind: isMean ? 'mean' : 'sum', masked }
  }

  /** The weights that the tokens [b,n,…] were multiplied by before they are summed, one number for each or for each of its features. */
  #weights(name: string): string | undefined {
    const node = this.#program.graph.producer(name)
    if (node === undefined) return undefined
    if (passes(node)) return this.#weights(node.input[0] as string)
    if (hasTrait(node, 'choice')) return node.input[0]
    if (node.opType !== 'Mul') return undefined
    const [a, b] = node.input as [string, string]
    const [ofA, ofB] = [this.#ofTokens.has(a), this.#ofTokens.has(b)]
    if (ofA !== ofB) return this.#program.dependsOnInputs(ofA ? b : a) ? (ofA ? b : a) : undefined
    return [a, b].find((factor) => this.#isSoftmax(factor))
  }

  #isSoftmax(name: string): boolean {
    const node = this.#program.graph.producer(name)
    if (node === undefined) return false
    if (hasTrait(node, 'softmax'))
      return this.#hasTokens(name, this.#program.tensor(name).node.attributes.axis as number)
    return node.input.some((input) => (passes(node) || isZeroing(this.#program, node, input)) && this.#isSoftmax(input))
  }

  /** The divisor of a sum that does not come from the tokens: their number. */
  #divisors(name: string): string[] {
    return this.#program.graph.consumers(name).flatMap(({ node, index }) => {
      const output = node.output[0] as string
      if (passes(node) && index === 0) return this.#divisors(output)
      if (node.opType === 'Div' && index === 0) return this.#counts(node.input[1] as string)
      if (node.opType !== 'Mul') return []
      const inverse = this.#program.graph.producer(node.input[1 - index] as string)
      return inverse?.opType === 'Reciprocal' ? this.#counts(inverse.input[0] as string) : []
    })
  }

  #counts(divisor: string): string[] {
    return this.#ofTokens.has(divisor) ? [] : [divisor]
  }

  /** Whether weights were divided before: they add up to 1. */
  #isShare(weights: string): boolean {
    return [...this.#program.before(weights)].some((name) =>
      ['Div', 'Reciprocal'].includes(this.#program.graph.producer(name)?.opType ?? ''),
    )
  }

  /** Counted from the end, or by how many tokens the mask attends. */
  #isLast(position: PositionRead['position']): boolean {
    if ('fromEnd' in position) return position.fromEnd === 1
    if (this.#mask === undefined) return false
    const inputs = this.#program.inputsOf(position.index)
    return inputs.size > 0 && [...inputs].every((name) => this.#program.inputsOf(this.#mask as string).has(name))
  }
}
