import { expand, gatherND, input, scatterElements, shape, type Tensor, unsqueeze, where } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import { type Block, stackEnd } from './block.ts'
import type { Encoder } from './encoder.ts'
import type { InsertedCut } from './insert.ts'
import type { Program } from './program.ts'
import { Refused } from './refusal.ts'

/**
 * The place where removed tokens come back: behind the last block, before final norm, pooling and head. While tokens
 * are being removed a node stands there that hides what is behind it.
 */
export class RestorePoint {
  readonly #program: Program
  readonly node: NodeProto
  readonly #stream: string

  constructor(program: Program, encoder: Encoder) {
    const { graph } = program
    const stream = stackEnd(program, encoder.blocks.at(-1) as Block)
    if (stream === undefined)
      throw new Refused(
        'TP_RESTORE',
        'where the last block ends was not found, so removed tokens cannot be put back for the outputs that need all of them',
      )
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
    this.#stream = own
  }

  /**
   * Puts every removed token's last state back in its place: x_i ← x_i with the rows that stayed after cut i replaced
   * by what became of them, from the last cut to the first. Tokens that were merged come back with their own states.
   */
  restore(cuts: readonly InsertedCut[]): void {
    const program = this.#program
    const { graph } = program
    const names = new Map<Tensor, string>()
    const value = (name: string): Tensor => {
      const actual = program.tensor(name)
      const placeholder = input(name, actual.dtype, actual.dims)
      names.set(placeholder, name)
      return placeholder
    }
    let states = value(this.#stream)
    for (const cut of [...cuts].reverse()) {
      const before = value(cut.before)
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
    const { name } = program.write(states, names, { prefix: 'tp/restore', before: this.node })
    graph.replaceInput(this.node, 0, name)
    graph.sortTopologically()
  }
}
