import { expand, gatherND, input, scatterElements, shape, type Tensor, unsqueeze, where } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { type Block, stackEnd } from '../analyze/layer.ts'
import { batchFirst } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'

/**
 * Makes the points where the tokens that a schedule removes come back: before the head, and for outputs in between. The
 * encoder has other names for its streams afterwards.
 */
export function restorePoints(
  program: Program,
  encoder: Encoder,
  scheduled: Iterable<number>,
): { readonly points: RestorePoint[]; readonly encoder: Encoder } {
  const first = Math.min(...scheduled)
  const { earlier } = encoder
  if (earlier?.restored !== undefined) {
    const points = earlier.restored.points.filter(({ before }) => before > first)
    return { points: points.map(({ from, before }) => new RestorePoint(program, from, before)), encoder }
  }
  const found = stackEnd(program, encoder.blocks.at(-1) as Block)
  const end = found && batchFirst(program, found)
  if (end === undefined)
    throw new Refused(
      'TP_RESTORE',
      'where the last block ends was not found, so removed tokens cannot be put back for the outputs that need all of them',
    )
  const between = streamOutputs(program, encoder, first)
  const streams = new Map(between.map(({ block, stream }) => [block, stream]))
  const last = new RestorePoint(program, end, encoder.blocks.length)
  const points = [...between.map(({ output, block }) => new RestorePoint(program, output, block)), last]
  const blocks = encoder.blocks.map((block, i) => ({
    ...block,
    input: streams.get(i) ?? block.input,
    site: block.site === last.to ? last.from : block.site,
  }))
  return { points, encoder: { ...encoder, blocks } }
}

/**
 * Outputs that are the stream itself between two blocks (hidden states), behind block `first`: block `block` reads it.
 * Each becomes a copy of `stream`, so that it can be restored while the blocks go on without what has left.
 */
function streamOutputs(
  program: Program,
  { blocks }: Encoder,
  first: number,
): { readonly output: string; readonly stream: string; readonly block: number }[] {
  const { graph } = program
  return graph.outputs.flatMap(({ name: output }) => {
    let origin = output
    for (let node = graph.producer(origin); node?.opType === 'Identity'; node = graph.producer(origin))
      origin = node.input[0] as string
    const block = blocks.findIndex(({ input }) => input === origin)
    const producer = graph.producer(output)
    if (block <= first || producer === undefined) return []
    if (origin !== output) return [{ output, stream: origin, block }]
    const stream = graph.uniqueName(`tp/${output}`)
    program.setTensor(stream, program.tensor(output))
    graph.renameOutput(producer, producer.output.indexOf(output), stream)
    graph.insert([createNode({ type: 'Identity', name: stream, inputs: [stream], outputs: [output] })])
    graph.sortTopologically()
    return [{ output, stream, block }]
  })
}

/**
 * A place where removed tokens come back: behind the last block, before final norm, pooling and head, or at an output in
 * between. While tokens are being removed a node stands there that hides what is behind it.
 */
export class RestorePoint {
  readonly #program: Program
  readonly node: NodeProto
  /** The stream before and behind it. */
  readonly from: string
  readonly to: string
  /** The block that it stands in front of. */
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
    let states = value(this.node.input[0] as string)
    for (const cut of cuts.filter(({ block }) => block < this.before).reverse()) {
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
