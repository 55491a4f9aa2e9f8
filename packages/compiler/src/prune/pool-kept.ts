import { add, axisSize, cast, div, maximum, mul, slice, sum, type Tensor, unsqueeze, where } from '@tp/core'
import { type Dim, namesIn, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { isZeroing } from '../analyze/attention.ts'
import type { PoolCount } from '../analyze/pool-counts.ts'
import { summedAxes } from '../operators/einsum.ts'
import { placeholder } from '../operators/flow.ts'
import { headsInBatch } from '../operators/heads.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'
import { endsOf, headReadsKept } from './insert-cuts.ts'
import { type KeyBias, perScore } from './key-bias.ts'
import type { Pruning } from './pruning.ts'

interface PoolingOptions {
  /** There may be fillers: slots of shorter examples that hold tokens which were dropped. */
  readonly isRagged: boolean
  readonly keyBias: KeyBias
  /** Where tokens are restored, if they are: downstream of it there are all tokens again, each for itself. */
  readonly ends: readonly NodeProto[]
  /** Values that count tokens without coming from them. */
  readonly counts: readonly PoolCount[]
  /** An earlier pruning has weighed the tokens already. */
  readonly again: boolean
}

/** Makes pooling downstream of the cuts count the tokens that are kept. */
export function countKeptInPools(pruning: Pruning): void {
  const { program, encoder, cuts, keyBias } = pruning
  const last = cuts.at(-1)
  if (last === undefined) return
  const isRagged = cuts.some((cut) => cut.ragged)
  const counts = headReadsKept(pruning) ? encoder.poolCounts : []
  const again = encoder.earlier?.weighted === true
  poolKept(program, last, { isRagged, keyBias, ends: endsOf(pruning), counts, again })
}

/**
 * Makes what brings tokens together downstream of the last cut exclude fillers, and count a token as often as tokens of the
 * input were merged into it.
 *
 * Layers have their own key bias; here is the rest: means, sums and maxima, and attention that pools.
 * @throws Refused TP_POOLING where that cannot be done
 */
function poolKept(program: Program, cut: InsertedCut, options: PoolingOptions): void {
  const valid = options.isRagged ? cut.valid : undefined
  if (valid === undefined && cut.size === undefined && !options.again) return
  const downstream = nodesDownstream(program, cut.after, options.ends)
  const pooling = new Pooling(program, cut, valid, new Set(downstream), options)
  if (options.again) for (const node of downstream) pooling.refuseMean(node)
  if (valid === undefined && cut.size === undefined) return
  for (const node of downstream) pooling.weigh(node)
  for (const { node, division } of options.counts) {
    const divides = division === undefined || downstream.includes(division.node)
    if (divides && !downstream.includes(node)) pooling.weigh(node)
  }
}

/** Nodes downstream of a cut, in file order. */
function nodesDownstream(program: Program, start: string, ends: readonly NodeProto[]): NodeProto[] {
  const { graph } = program
  const found = new Set<NodeProto>()
  const queue = [start]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const { node } of graph.consumers(name)) {
      if (ends.includes(node) || found.has(node)) continue
      found.add(node)
      for (const name of node.output) queue.push(name)
    }
  }
  return graph.nodes.filter((node) => found.has(node))
}

/** Stands in for the value of a filler where the largest one is looked for. */
const LEAST = -30000

class Pooling {
  readonly #program: Program
  readonly #cut: InsertedCut
  readonly #count: Dim
  readonly #valid: string | undefined
  readonly #prefix: string
  readonly #keyBias: KeyBias
  readonly #again: boolean
  /** Nodes downstream of the cut. */
  readonly #downstream: ReadonlySet<NodeProto>
  /** Values whose entries count tokens as they should be counted. */
  readonly #weights = new Set<string>()

  constructor(
    program: Program,
    cut: InsertedCut,
    valid: string | undefined,
    downstream: ReadonlySet<NodeProto>,
    { keyBias, again }: PoolingOptions,
  ) {
    this.#downstream = downstream
    this.#program = program
    this.#cut = cut
    this.#keyBias = keyBias
    this.#again = again
    this.#count = program.tensor(cut.after).dims[1] as Dim
    this.#valid = valid
    this.#prefix = `tp/layer_${cut.layer}`
  }

  weigh(node: NodeProto): void {
    if (hasTrait(node, 'softmax')) this.#softmax(node)
    else if (hasTrait(node, 'reduction') && !this.#keyBias.covers(node)) this.#reduction(node)
    else if (hasTrait(node, 'product')) this.#product(node)
    else if (hasTrait(node, 'same values') && this.#isCount(node)) throw this.#unpoolable(node)
    else if (node.input.some((input, i) => this.#weights.has(input) && this.#isPassedOn(node, input, i)))
      this.#weights.add(node.output[0] as string)
  }

  /** Whether a node changes nothing of what the entries of an input mean. */
  #isPassedOn(node: NodeProto, input: string, index: number): boolean {
    const isFirst = index === 0 && hasTrait(node, 'same values', 'rounded values', 'moved values')
    return isFirst || isZeroing(this.#program, node, input)
  }

  /** Attention over the tokens: a layer's, which has its key bias already, or one that pools. */
  #softmax(node: NodeProto): void {
    const output = node.output[0] as string
    const { dims, rank } = this.#program.tensor(output)
    const axis = this.#program.tensor(output).node.attributes.axis as number
    if (!this.#countsTokens(dims[axis])) return
    if (axis !== rank - 1) throw this.#unpoolable(node)
    if (!this.#keyBias.covers(node)) this.#addBias(node)
    this.#weights.add(output)
  }

  #reduction(node: NodeProto): void {
    const over = this.#tokenAxes(node)
    if (over.length > 0) this.#weighReduction(node, over)
  }

  /** Means that an earlier pruning has weighed: their weights add up over the tokens that were there then. */
  refuseMean(node: NodeProto): void {
    if (operatorOf(node)?.reduces === 'mean' && this.#tokenAxes(node).length > 0) throw this.#weighed(node)
  }

  #tokenAxes(node: NodeProto): number[] {
    const { dims } = this.#program.tensor(node.input[0] as string)
    const { axes } = this.#program.tensor(node.output[0] as string).node.attributes as { axes?: readonly number[] }
    return (axes ?? dims.map((_, axis) => axis)).filter((axis) => this.#countsTokens(dims[axis]))
  }

  #weighed(node: NodeProto): Refused {
    const reason = `${node.opType} weighs the tokens by what an earlier pruning has kept, and cannot by what this one keeps`
    return new Refused('TP_PRUNED', `${reason}; prune the file it was made from`, node)
  }

  /** A sum over the tokens: its weights have to count them as they should be. */
  #product(node: NodeProto): void {
    const axis = this.#summedAxis(node)
    if (axis === undefined || node.input.some((name) => this.#weights.has(name))) return
    // Weights that are made from a mask; of others it is not known what they mean.
    const fromTokens = (input: string): boolean => {
      const producer = this.#program.graph.producer(input)
      return producer !== undefined && this.#downstream.has(producer)
    }
    if (node.input.slice(0, 2).every(fromTokens)) throw this.#unpoolable(node)
    this.#weighReduction(node, [axis])
  }

  /** The axis of a product's first operand along which it sums over tokens. */
  #summedAxis(node: NodeProto): number | undefined {
    const { dims } = this.#program.tensor(node.input[0] as string)
    const summed = node.opType === 'Einsum' ? summedAxes(node) : [dims.length - 1]
    return summed.find((axis) => this.#countsTokens(dims[axis]))
  }

  #countsTokens(dim: Dim | undefined): boolean {
    return dim !== undefined && namesIn(dim).has(this.#count as string)
  }

  /** The number of slots, about to become a number to compute with: not what is wanted where not all of them count. */
  #isCount({ input: [from = ''], output: [to = ''] }: NodeProto): boolean {
    if (!this.#program.tensor(to).dtype.startsWith('float')) return false
    return this.#program.tensor(from).value?.some((dim) => this.#countsTokens(dim)) === true
  }

  #addBias(softmax: NodeProto): void {
    const [scores] = softmax.input as [string]
    const { dims, dtype, rank } = this.#program.tensor(scores)
    const bias = this.#keyBias.of(this.#cut)
    if (bias === undefined) return
    const x = placeholder(scores, this.#program.tensor(scores), dims)
    const [batch] = bias.expression.dims as [Dim]
    // Heads are folded into the batch, as in torch's MultiheadAttention.
    const heads = rank === 3 && dims[0] !== batch ? headsInBatch(this.#program, scores, batch) : undefined
    const own = heads === undefined ? dims : [batch, ...dims.slice(1)]
    const part = this.#part(bias.expression, own, rank - 1, softmax)
    const others = Array.from({ length: rank - 2 }, (_, i) => i + 1)
    const aligned = heads === undefined ? unsqueeze(part, others) : perScore(part, rank, heads)
    this.#rewrite(softmax, add(x, cast(aligned, dtype)), new Map([...bias.names, [x, scores]]))
  }

  #weighReduction(node: NodeProto, over: readonly number[]): void {
    const name = node.input[0] as string
    const { dtype, dims, rank } = this.#program.tensor(name)
    const [axis] = over
    if (this.#again) throw this.#weighed(node)
    if (over.length !== 1 || axis === undefined || axis === 0) throw this.#unpoolable(node)
    const x = placeholder(name, this.#program.tensor(name), dims)
    const names = new Map([[x, name]])
    const value = (own: string): Tensor => {
      const actual = this.#program.tensor(own)
      const whole = placeholder(own, actual, actual.dims)
      names.set(whole, own)
      return this.#part(whole, dims, axis, node)
    }
    const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 0 && i !== axis)
    const valid = this.#valid === undefined ? undefined : value(this.#valid)
    const reduces = hasTrait(node, 'product') && !hasTrait(node, 'quantized') ? 'sum' : operatorOf(node)?.reduces
    if (reduces === 'max') {
      if (valid !== undefined) this.#rewrite(node, where(unsqueeze(valid, others), x, LEAST), names)
      return
    }
    const size = this.#cut.size === undefined ? undefined : value(this.#cut.size)
    const counted = valid !== undefined && size !== undefined ? where(valid, size, 0) : ((size ?? valid) as Tensor)
    const weight = cast(unsqueeze(counted, others), dtype)
    if (reduces === 'sum') this.#rewrite(node, mul(x, weight), names)
    else if (reduces === 'mean') {
      // Mean over all slots × slots / weights = weighted mean; the node itself is not changed.
      const slots = cast(axisSize(counted, 1), dtype)
      const share = div(slots, maximum(sum(weight, axis, { keepDims: true }), LIGHTEST))
      this.#rewrite(node, mul(x, mul(weight, share)), names)
    } else throw this.#unpoolable(node)
  }

  /** Of something [b,k]: the part for an axis of a value [b,…] that holds the cut's tokens, or all but leading ones. */
  #part(x: Tensor, dims: readonly Dim[], axis: number, node: NodeProto): Tensor {
    const skipped = subDims(this.#count, dims[axis] as Dim)
    if (typeof skipped !== 'number' || dims[0] !== x.dims[0]) throw this.#unpoolable(node)
    return skipped === 0 ? x : slice(x, { axis: 1, start: skipped })
  }

  #rewrite(node: NodeProto, expression: Tensor, names: ReadonlyMap<Tensor, string>): void {
    const { name } = this.#program.write(expression, names, { prefix: this.#prefix, before: node })
    this.#program.graph.replaceInput(node, 0, name)
  }

  #unpoolable(node: NodeProto): Refused {
    const reason =
      this.#valid === undefined
        ? `tokens were merged here, and ${node.opType} over them cannot count each as often`
        : `examples keep different numbers of tokens here, and ${node.opType} over them cannot exclude the fillers`
    return new Refused('TP_POOLING', reason, node)
  }
}

/** Sum of weights to divide by where there is nothing to pool; finite in float16. */
const LIGHTEST = 1e-3
