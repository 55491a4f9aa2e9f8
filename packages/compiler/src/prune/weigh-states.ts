import {
  add,
  axisSize,
  cast,
  constant,
  expand,
  mul,
  reshape,
  slice,
  squeeze,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { capturedNames, cloneModel, createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import type { StatesInput } from '../analyze/states-inputs.ts'
import type { StatesNorm } from '../analyze/states-norm.ts'
import { openModel } from '../normalize/open.ts'
import { headsInBatch } from '../operators/heads.ts'
import { hasTrait } from '../operators/traits.ts'
import { bodiesOf, putBack } from '../program/body.ts'
import { Operands } from '../program/operands.ts'
import { type Program, readsShape } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { foldOpened } from './fold.ts'

/** Name of the number of states while attentions to them are looked for. */
const STATES = 'tp_number_of_states'

const PREFIX = 'tp/weights'

/** A decoder that weighs states, and how many attentions do. */
export interface Weighing {
  readonly model: Model
  /** In all branches together. */
  readonly attentions: number
}

/**
 * Makes a decoder add what channel c of the states says to the scores of all its attentions to them, and read the states with the content that this
 * channel had:
 *
 *     x_c = k + Σ_{i≠c} a_i·x_i,   a_i = −γ_c/γ_i,   k = β_c + γ_c·Σ_{i≠c} β_i/γ_i
 *
 * since x = γ·z + β with Σ z_i = 0. It is computed once, where keys and values are made. Weights stay as they are, whatever form they
 * have: folded into W_K and W_V (W_i += a_i·W_c, b += k·W_c) it would have to find and to rewrite every projection, not those in 8 bits.
 * @param states the input with states; it is declared where the file has only keys and values of them
 * @param caches keys and values of states
 * @throws Refused TP_DECODER where attentions to states are not found
 */
export function weighAttentions(
  source: Model,
  states: StatesInput,
  caches: readonly StatesInput[],
  norm: StatesNorm,
): Weighing {
  const model = cloneModel(source)
  const graph = new Graph(model)
  const declared = new Map(graph.inputs.map(({ name, dims }) => [name, dims]))
  if (!declared.has(states.name)) graph.addInput(states.name, states.dtype, states.dims.map(known))
  for (const { name, dtype, dims, axis } of [states, ...caches]) {
    graph.setValueInfo(
      name,
      dtype,
      dims.map((dim, i) => (i === axis ? STATES : known(dim))),
    )
  }
  const { program, expansions } = openModel(model)
  const weigher = new Weigher(program, states, norm)
  let attentions = weigher.weigh()
  const counts: number[] = attentions === 0 ? [] : [attentions]
  for (const node of program.graph.nodes) {
    declareCaptured(program, node)
    for (const body of bodiesOf(program.model, node)) {
      const own = body.model.proto.graph?.input.map(({ name }) => name) ?? []
      if (![states, ...caches].some(({ name }) => own.includes(name))) continue
      const inside = weighAttentions(
        body.model,
        states,
        caches.filter(({ name }) => own.includes(name)),
        norm,
      )
      putBack(body, inside.model, program.model)
      attentions += inside.attentions
      counts.push(inside.attentions)
    }
  }
  foldOpened(program, expansions)
  // As the file declares them.
  const result = new Graph(program.model)
  for (const { name, dtype, dims } of [states, ...caches]) result.setValueInfo(name, dtype, dims.map(known))
  requireAll(program, counts, caches)
  return { model: program.model, attentions }
}

const known = (dim: number | string): number | string | undefined => (dim === '?' ? undefined : dim)

/** Declares the values that a branch reads from nodes around it, so that their shapes are known there: scales of 8-bit weights, which branches share. */
function declareCaptured(program: Program, node: NodeProto): void {
  if (node.opType !== 'If') return
  const { graph } = program
  for (const name of capturedNames(node)) {
    if (graph.producer(name) === undefined || graph.valueInfo(name) !== undefined) continue
    const { dtype, hasShape, dims } = program.tensor(name)
    if (hasShape)
      graph.setValueInfo(
        name,
        dtype,
        dims.map((dim) => (typeof dim === 'number' ? dim : undefined)),
      )
  }
}

/** @throws Refused TP_DECODER where not every layer was found */
function requireAll({ graph }: Program, counts: readonly number[], caches: readonly StatesInput[]): void {
  const [first = 0] = counts
  const expected = caches.length === 0 ? first : caches.length / 2
  if (first > 0 && counts.every((count) => count === expected)) return
  const seen = `${first} attentions to the states of an encoder were found`
  const reason = first === 0 ? seen : `${counts.join(' and ')} such attentions were found, and ${expected} have to be`
  const fused = graph.nodes.find((node) => node.domain === 'com.microsoft' && /Attention/.test(node.opType))
  throw new Refused(
    'TP_DECODER',
    `${reason}; prune the encoder with restore nearest, or give the decoder as it was exported`,
    fused,
  )
}

/** Edits one graph: that of a file, or of a branch. */
class Weigher {
  readonly #program: Program
  readonly #states: StatesInput
  readonly #norm: StatesNorm
  readonly #weights = new Map<string, string>()

  constructor(program: Program, states: StatesInput, norm: StatesNorm) {
    this.#program = program
    this.#states = states
    this.#norm = norm
  }

  /** How many attentions weigh their keys now. */
  weigh(): number {
    const softmaxes = this.#program.graph.nodes.filter((node) => this.#attendsToStates(node))
    this.#restoreChannel()
    for (const softmax of softmaxes) this.#addWeights(softmax)
    this.#program.graph.sortTopologically()
    return softmaxes.length
  }

  #attendsToStates(node: NodeProto): boolean {
    if (!hasTrait(node, 'softmax')) return false
    const { hasShape, dims, rank } = this.#program.tensor(node.input[0] as string)
    const axis = Number(node.attribute.find(({ name }) => name === 'axis')?.i ?? -1)
    return hasShape && dims.at(-1) === this.#count && (axis === -1 || axis === rank - 1)
  }

  /** Gives the readers of states the content of the channel. */
  #restoreChannel(): void {
    const { graph } = this.#program
    const { name } = this.#states
    const readers = graph.consumers(name).filter(({ node, index }) => index >= 0 && !readsShape(node))
    if (readers.length === 0) return
    const { channel, scale, shift } = this.#norm
    const least = scale[channel] as number
    const isChannel = scale.map((_, i) => Number(i === channel))
    const ratio = scale.map((own, i) => (i === channel || least === 0 ? 0 : -least / own))
    const content = shift.reduce((total, own, i) => total - (ratio[i] as number) * own, shift[channel] as number)
    const { names, value } = new Operands(this.#program)
    const states = value(name)
    const size = [scale.length]
    const products = mul(cast(states, 'float32'), constant(ratio, 'float32', size))
    const own = cast(add(sum(products, 2, { keepDims: true }), content), states.dtype)
    const restored = where(constant(isChannel, 'bool', size), own, states)
    const first = graph.nodes.find((node) => readers.some((reader) => reader.node === node)) as NodeProto
    const written = this.#program.write(restored, names, { prefix: PREFIX, before: first })
    for (const { node, index } of readers) graph.replaceInput(node, index, written.name)
  }

  #addWeights(softmax: NodeProto): void {
    const { graph } = this.#program
    const [scores] = softmax.input as [string]
    const name = this.#weightsFor(scores, softmax)
    const output = graph.uniqueName(`${PREFIX}/scores`)
    graph.insert([createNode({ type: 'Add', name: output, inputs: [scores, name], outputs: [output] })], softmax)
    graph.replaceInput(softmax, 0, output)
    this.#program.setTensor(output, this.#program.tensor(scores))
  }

  /** The value that is added to scores [b,h,q,s], or [b·h,q,s] where heads are folded into the batch; layers share it. */
  #weightsFor(scores: string, softmax: NodeProto): string {
    const { rank, dtype } = this.#program.tensor(scores)
    const heads = rank === 4 ? 0 : (headsInBatch(this.#program, scores, this.#batch) ?? 1)
    const key = `${heads} ${dtype}`
    const known = this.#weights.get(key)
    if (known !== undefined) return known
    const { names, value } = new Operands(this.#program)
    const { channel } = this.#norm
    const own = squeeze(slice(value(this.#states.name), { axis: 2, start: channel, end: channel + 1 }), [2])
    const { name } = this.#program.write(cast(perScore(own, heads), dtype), names, { prefix: PREFIX, before: softmax })
    this.#weights.set(key, name)
    return name
  }

  get #count(): Dim {
    return this.#program.tensor(this.#states.name).dims[this.#states.axis] as Dim
  }

  get #batch(): Dim {
    return this.#program.tensor(this.#states.name).dims[0] as Dim
  }
}

/** [b,s] → [b,1,1,s], or [b·h,1,s] for heads that are folded into the batch; `heads`: 0 where they have an axis of their own */
function perScore(weights: Tensor, heads: number): Tensor {
  if (heads === 0) return unsqueeze(weights, [1, 2])
  if (heads === 1) return unsqueeze(weights, [1])
  const keys = axisSize(weights, 1)
  return reshape(expand(unsqueeze(weights, [1]), [axisSize(weights, 0), heads, keys]), [-1, 1, keys])
}
