import {
  add,
  mean as averaged,
  cast,
  div,
  expand,
  gatherND,
  maximum,
  mul,
  scatterElements,
  shape,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'

/**
 * A point where removed tokens are restored: after the last layer, upstream of final norm, pooling and head, or at an output in
 * between. While tokens are being pruned a node stands there that hides what is downstream of it.
 */
export class RestorePoint {
  readonly #program: Program
  readonly node: NodeProto
  /** The stream before and after it. */
  readonly from: string
  readonly to: string
  /** The layer downstream of it. */
  readonly before: number

  /** Everything that reads `stream` gets what was restored. */
  constructor(program: Program, stream: string, before: number) {
    const { graph } = program
    const producer = graph.producer(stream) as NodeProto
    const own = graph.uniqueName(`tp/${stream}`)
    program.setTensor(own, program.tensor(stream))
    // The stream itself may be an output of the model: the restored one takes over its name.
    graph.renameOutput(producer, producer.output.indexOf(stream), own)
    graph.replaceAllUses(own, stream)
    const node = createNode({
      type: 'Identity',
      name: graph.uniqueName('tp/restored'),
      inputs: [own],
      outputs: [stream],
    })
    graph.insert([node])
    graph.sortTopologically()
    this.#program = program
    this.node = node
    this.from = own
    this.to = stream
    this.before = before
  }

  /**
   * Puts every removed token's last state back at its position: x_i ← x_i with the tokens kept by cut i replaced
   * by what became of them, from the last cut to the first. Tokens that were merged are restored with their own states.
   * `final`: the point is downstream of the last layer, so the states x_i are what a method says that they would have become there.
   */
  restore(cuts: readonly InsertedCut[], { final = false }: { readonly final?: boolean } = {}): void {
    const { names, value } = new Operands(this.#program)
    let states = value(this.node.input[0] as string)
    const own = cuts.filter(({ layer }) => layer < this.before).reverse()
    const valid = own[0]?.valid
    const kept = states
    const mean = (): Tensor => meanOf(cast(kept, 'float32'), valid === undefined ? undefined : value(valid))
    for (const cut of own) {
      const before = final ? finalStates(cut, value, mean) : value(cut.before)
      const indices = value(cut.indices)
      if (cut.ragged && cut.valid !== undefined) {
        // Fillers were dropped: they keep the state they had, whatever was computed in their slots.
        states = where(unsqueeze(value(cut.valid), [2]), states, gatherND(before, indices, 1))
      }
      if (cut.fused !== undefined) {
        states = where(unsqueeze(value(cut.fused), [2]), gatherND(before, indices, 1), states)
      }
      states = scatterElements(before, expand(indices, shape(states), states), states, { axis: 1 })
    }
    this.write(states, names)
  }

  /** Everything downstream of the point reads an expression, whose placeholders stand for values of the graph. */
  write(states: Tensor, names: ReadonlyMap<Tensor, string>): void {
    this.#writeFor(this.node, states, names)
  }

  /**
   * The same for what reads the rows that an earlier pruning restored, as the value `whole`: they are restored again.
   * @throws Refused TP_PRUNED if the graph is no longer what its record says
   */
  writeWhole(whole: string, states: Tensor, names: ReadonlyMap<Tensor, string>): void {
    const earlier = this.#program.graph.producer(whole)
    if (earlier?.opType !== 'Identity') {
      const seen =
        'where tokens are restored that were pruned before, the graph is not the one that its record describes'
      throw new Refused('TP_PRUNED', `${seen}; prune the file it was made from`, earlier)
    }
    this.#writeFor(earlier, states, names)
  }

  #writeFor(node: NodeProto, states: Tensor, names: ReadonlyMap<Tensor, string>): void {
    const { graph } = this.#program
    const { name } = this.#program.write(states, names, { prefix: 'tp/restore', before: node })
    graph.replaceInput(node, 0, name)
    graph.sortTopologically()
  }
}

/** [b,n,D]: what the tokens that arrive at a cut are restored with downstream of the last layer if they are pruned. */
function finalStates(cut: InsertedCut, value: (name: string) => Tensor, mean: () => Tensor): Tensor {
  if (cut.final === undefined) return value(cut.before)
  const states = value(cut.final)
  return cut.context === undefined ? states : add(states, cast(unsqueeze(cut.context(mean()), [1]), states.dtype))
}

/** float [b,k,D] → [b,D]: mean of the tokens in valid slots, bool [b,k]; absent: of all. */
function meanOf(states: Tensor, valid: Tensor | undefined): Tensor {
  if (valid === undefined) return averaged(states, 1)
  const weight = cast(valid, 'float32')
  const count = maximum(sum(weight, 1, { keepDims: true }), 1)
  return div(sum(mul(states, unsqueeze(weight, [2])), 1), count)
}
