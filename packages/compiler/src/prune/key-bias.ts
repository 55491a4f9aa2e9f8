import { axisSize, cast, expand, reshape, type Tensor, unsqueeze, where } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { sites } from '../analyze/sites.ts'
import { headsInBatch } from '../operators/heads.ts'
import { hasTrait } from '../operators/traits.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'

/** [b,k] → [b,1,1,k], or [b·h,1,k] where heads are folded into the batch, or [b,1,k] where there is one. */
export function perScore(bias: Tensor, rank: number, heads: number): Tensor {
  if (rank === 4) return unsqueeze(bias, [1, 2])
  if (heads === 1) return unsqueeze(bias, [1])
  const keys = axisSize(bias, 1)
  return reshape(expand(unsqueeze(bias, [1]), [axisSize(bias, 0), heads, keys]), [-1, 1, keys])
}

/** Added to a score, makes its softmax weight exactly 0; finite in float16 too. */
export const HIDDEN = -30000

/**
 * The terms that cuts add to the scores of the keys of every later attention, in one sum upstream of each softmax:
 *
 * - the method's own bias, the logarithm of sizes;
 * - a term that hides fillers, slots of shorter examples that hold tokens which were dropped. Only needed once examples are ragged
 *   (threshold, mass, sampling); elsewhere fillers are padding, which the model's own mask hides.
 */
export class KeyBias {
  readonly #program: Program
  /** The sum upstream of each softmax, so that a later cut can renew it. */
  readonly #sums = new Map<NodeProto, NodeProto>()
  /** The gates of attention sinks, which read the same sums. */
  readonly #gates = new Set<NodeProto>()
  #isRagged = false

  constructor(program: Program) {
    this.#program = program
  }

  /** True if the keys of a softmax, or of its gate, have a bias already. */
  covers(node: NodeProto): boolean {
    return this.#sums.has(node) || this.#gates.has(node)
  }

  /** Makes all attentions downstream of a cut add what it asks for. */
  renew(encoder: Encoder, cut: InsertedCut): void {
    this.#isRagged ||= cut.ragged
    for (const { attention } of encoder.layers.slice(sites[cut.site].firstKeys(cut.layer))) {
      const softmax = attention.chain.at(-1) as NodeProto
      const known = this.#sums.get(softmax)
      const { dtype, rank } = this.#program.tensor(softmax.input[0] as string)
      const bias = this.of(cut)
      if (bias === undefined) continue
      const heads = rank === 4 ? 1 : headsInBatch(this.#program, softmax.input[0] as string, encoder.batch)
      const aligned = cast(perScore(bias.expression, rank, heads ?? 1), dtype)
      const prefix = `tp/layer_${cut.layer}`
      const { name } = this.#program.write(aligned, bias.names, { prefix, before: known ?? softmax })
      if (known === undefined) this.#insert(softmax, name, prefix)
      else this.#program.graph.replaceInput(known, 1, name)
    }
  }

  /** float [b,k]: what a cut adds to the scores of its keys; undefined if nothing. */
  of(cut: InsertedCut): { readonly expression: Tensor; readonly names: Map<Tensor, string> } | undefined {
    const { names, value } = new Operands(this.#program)
    const own = cut.keyBias === undefined ? undefined : value(cut.keyBias)
    if (cut.valid !== undefined && this.#isRagged) {
      return { expression: where(value(cut.valid), own ?? 0, HIDDEN), names }
    }
    return own && { expression: own, names }
  }

  #insert(softmax: NodeProto, bias: string, prefix: string): void {
    const { graph } = this.#program
    const [scores] = softmax.input as [string]
    const output = graph.uniqueName(`${prefix}/key_bias`)
    const node = createNode({ type: 'Add', name: output, inputs: [scores, bias], outputs: [output] })
    graph.insert([node], softmax)
    graph.replaceInput(softmax, 0, output)
    // The gate of an attention sink compares it with the scores of the same keys.
    for (const use of [...graph.consumers(scores)]) {
      const gates = use.node === node ? [] : this.#gatesOf(use.node)
      for (const gate of gates) this.#gates.add(gate)
      if (gates.length > 0) graph.replaceInput(use.node, use.index, output)
    }
    this.#program.setTensor(output, this.#program.tensor(scores))
    this.#sums.set(softmax, node)
  }

  /** Sums of all scores that a node makes, maybe of cast ones. */
  #gatesOf(node: NodeProto): NodeProto[] {
    if (node.opType === 'ReduceLogSumExp') return [node]
    if (!hasTrait(node, 'same values')) return []
    return this.#program.graph.consumers(node.output[0] as string).flatMap((use) => this.#gatesOf(use.node))
  }
}
