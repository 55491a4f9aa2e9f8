import { createNode, type NodeProto } from '@tp/onnx'
import { findAttentions } from '../analyze/attention.ts'
import { findLayer, type Layer, stackEnd } from '../analyze/layer.ts'
import { BACK, isView, VIEW } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * Streams with tokens first [n,b,D] get a view with the batch first where layers begin and where tokens may be pruned:
 * transposed and back. All that follows looks at the views. Which axis counts tokens is not believed here, but proved when
 * they are traced.
 */
export const viewBatchFirst: NormalizePass = {
  name: 'view the batch first',
  run: ({ program }) => insertViews(program),
}

function insertViews(program: Program): boolean {
  const layers = findAttentions(program)
    .map((attention) => findLayer(program, attention))
    .filter((layer) => layer !== undefined && hasTokensFirst(program, layer)) as Layer[]
  const ends = layers.map((layer) => stackEnd(program, layer))
  const values = new Set([...layers.flatMap(({ input, site }) => [input, site]), ...ends])
  for (const value of values) {
    if (value !== undefined && !program.graph.isOutput(value)) insertView(program, value)
  }
  program.graph.sortTopologically()
  return values.size > 0
}

function hasTokensFirst(program: Program, { input, attention }: Layer): boolean {
  const stream = program.tensor(input)
  if (!stream.hasShape || stream.rank !== 3) return false
  const keys = program.tensor(attention.probabilities).dims.at(-1)
  return keys === stream.dims[0] && keys !== stream.dims[1]
}

/** A file that was pruned keeps the views that tokens were pruned in: their names are in its record. */
function insertView(program: Program, name: string): void {
  const { graph } = program
  const readers = graph.consumers(name).filter(({ index }) => index >= 0)
  const turn = (from: string, to: string): NodeProto =>
    createNode({ type: 'Transpose', name: to, inputs: [from], outputs: [to], attributes: { perm: [1, 0, 2] } })
  const made = readers.find(({ node: { output } }) => isView(output[0] as string))
  const view = made?.node.output[0] ?? graph.uniqueName(`${VIEW}${name}`)
  const back = graph.uniqueName(`${VIEW}${name}${BACK}`)
  for (const { node, index } of readers) if (node !== made?.node) graph.replaceInput(node, index, back)
  graph.insert([...(made === undefined ? [turn(name, view)] : []), turn(view, back)])
}

/** Views that nothing came in between of are taken out again. A transform may have made the value turned back in another way. */
export function dropViews({ graph }: Program): void {
  for (const { opType, input, output } of [...graph.nodes]) {
    const [view, back] = [input[0] as string, output[0] as string]
    const forth = graph.producer(view)
    if (opType !== 'Transpose' || !back.startsWith(VIEW) || !back.endsWith(BACK) || !view.startsWith(VIEW)) continue
    if (forth?.opType === 'Transpose') graph.replaceAllUses(back, forth.input[0] as string)
  }
  graph.removeDeadNodes()
}
