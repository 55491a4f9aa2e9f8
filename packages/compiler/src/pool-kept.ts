import {
  add,
  axisSize,
  cast,
  type Dim,
  div,
  input,
  maximum,
  mul,
  namesIn,
  slice,
  subDims,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { placeholder } from './flow.ts'
import type { InsertedCut } from './insert.ts'
import { type FillerSums, HIDDEN } from './mask-fillers.ts'
import type { Program } from './program.ts'
import { Refused } from './refusal.ts'

/**
 * Makes what brings tokens together behind the last cut leave out fillers: slots of shorter rows that hold tokens which
 * were dropped. `end` is the node where tokens come back, if they do: behind it there are no fillers.
 *
 * Blocks have their own key bias (`sums`); here is the rest: means, sums and maxima, and attention that pools.
 * @throws Refused TP_POOLING where fillers cannot be left out
 */
export function poolKept(
  program: Program,
  cut: InsertedCut,
  valid: string,
  sums: FillerSums,
  end: NodeProto | undefined,
): void {
  const pooling = new Pooling(program, cut, valid, sums)
  for (const node of nodesBehind(program, cut.after, end)) pooling.leaveOutFillers(node)
}

/** Nodes that what a cut gives flows into, in file order. */
function nodesBehind(program: Program, start: string, end: NodeProto | undefined): NodeProto[] {
  const { graph } = program
  const found = new Set<NodeProto>()
  const queue = [start]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const { node } of graph.consumers(name)) {
      if (node === end || found.has(node) || node.opType === 'Shape' || node.opType === 'Size') continue
      found.add(node)
      queue.push(...node.output)
    }
  }
  return graph.nodes.filter((node) => found.has(node))
}

/** Operators that change no entry's meaning. */
const passing = new Set(['Cast', 'Identity', 'Dropout', 'Reshape', 'Transpose'])

class Pooling {
  readonly #program: Program
  readonly #count: Dim
  readonly #valid: string
  readonly #prefix: string
  readonly #sums: FillerSums
  /** Values whose entries are 0 where they count fillers. */
  readonly #weights = new Set<string>()

  constructor(program: Program, cut: InsertedCut, valid: string, sums: FillerSums) {
    this.#program = program
    this.#sums = sums
    this.#count = program.tensor(cut.after).dims[1] as Dim
    this.#valid = valid
    this.#prefix = `tp/block_${cut.block}`
  }

  leaveOutFillers(node: NodeProto): void {
    const { opType } = node
    if (opType === 'Softmax') this.#softmax(node)
    else if (opType.startsWith('Reduce')) this.#reduction(node)
    else if (opType.includes('MatMul')) this.#product(node)
    else if (passing.has(opType) && this.#weights.has(node.input[0] as string))
      this.#weights.add(node.output[0] as string)
  }

  /** Attention over the tokens: a block's, whose fillers are hidden already, or one that pools. */
  #softmax(node: NodeProto): void {
    const output = node.output[0] as string
    const { dims, rank } = this.#program.tensor(output)
    const axis = this.#program.tensor(output).node.attributes.axis as number
    if (!this.#countsTokens(dims[axis])) return
    if (axis !== rank - 1) throw unpoolable(node)
    if (!this.#sums.has(node)) this.#hideKeys(node)
    this.#weights.add(output)
  }

  #reduction(node: NodeProto): void {
    const { dims } = this.#program.tensor(node.input[0] as string)
    const { axes } = this.#program.tensor(node.output[0] as string).node.attributes as { axes?: readonly number[] }
    const over = (axes ?? dims.map((_, axis) => axis)).filter((axis) => this.#countsTokens(dims[axis]))
    if (over.length > 0) this.#weigh(node, over)
  }

  /** A sum over the tokens: its weights have to leave fillers out. */
  #product(node: NodeProto): void {
    const [name] = node.input as [string]
    if (this.#countsTokens(this.#program.tensor(name).dims.at(-1)) && !this.#weights.has(name)) throw unpoolable(node)
  }

  #countsTokens(dim: Dim | undefined): boolean {
    return dim !== undefined && namesIn(dim).has(this.#count as string)
  }

  #hideKeys(softmax: NodeProto): void {
    const [scores] = softmax.input as [string]
    const { dims, dtype, rank } = this.#program.tensor(scores)
    const x = placeholder(scores, this.#program.tensor(scores), dims)
    const { isValid, mask } = this.#mask(dims, rank - 1, softmax)
    const others = Array.from({ length: rank - 2 }, (_, i) => i + 1)
    const bias = cast(unsqueeze(where(mask, 0, HIDDEN), others), dtype)
    this.#rewrite(
      softmax,
      add(x, bias),
      new Map([
        [x, scores],
        [isValid, this.#valid],
      ]),
    )
  }

  /** Makes a reduction over the tokens leave fillers out. */
  #weigh(node: NodeProto, over: readonly number[]): void {
    const name = node.input[0] as string
    const { dtype, dims, rank } = this.#program.tensor(name)
    const [axis] = over
    if (over.length !== 1 || axis === undefined || axis === 0) throw unpoolable(node)
    const x = placeholder(name, this.#program.tensor(name), dims)
    const { isValid, mask } = this.#mask(dims, axis, node)
    const names = new Map([
      [x, name],
      [isValid, this.#valid],
    ])
    const aligned = unsqueeze(
      mask,
      Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 0 && i !== axis),
    )
    const weight = cast(aligned, dtype)
    if (node.opType === 'ReduceSum') this.#rewrite(node, mul(x, weight), names)
    else if (node.opType === 'ReduceMax') this.#rewrite(node, where(aligned, x, HIDDEN), names)
    else if (node.opType === 'ReduceMean') {
      // Mean over all slots × slots / kept tokens = mean over the kept ones; the node itself stays as it is.
      const slots = cast(axisSize(mask, 1), dtype)
      const share = div(slots, maximum(sum(weight, axis, { keepDims: true }), 1))
      this.#rewrite(node, mul(x, mul(weight, share)), names)
    } else throw unpoolable(node)
  }

  /** bool [b,k'] for an axis of a value [b,…] that holds the cut's tokens, or all but some leading ones. */
  #mask(dims: readonly Dim[], axis: number, node: NodeProto): { isValid: Tensor; mask: Tensor } {
    const isValid = input(this.#valid, 'bool', this.#program.tensor(this.#valid).dims)
    const skipped = subDims(this.#count, dims[axis] as Dim)
    if (typeof skipped !== 'number' || dims[0] !== isValid.dims[0]) throw unpoolable(node)
    return { isValid, mask: skipped === 0 ? isValid : slice(isValid, { axis: 1, start: skipped }) }
  }

  #rewrite(node: NodeProto, expression: Tensor, names: ReadonlyMap<Tensor, string>): void {
    const { name } = this.#program.write(expression, names, { prefix: this.#prefix, before: node })
    this.#program.graph.replaceInput(node, 0, name)
  }
}

function unpoolable(node: NodeProto): Refused {
  const reason = `rows keep different numbers of tokens here, and ${node.opType} over them cannot leave out the fillers`
  return new Refused('TP_POOLING', reason, node)
}
