import { cast, input, unsqueeze, where } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Encoder } from './encoder.ts'
import type { Program } from './program.ts'

/** Added to a score, makes its softmax weight exactly 0; finite in float16 too. */
export const HIDDEN = -30000

/** The sums that hide fillers in front of each softmax, so that a later cut can renew them. */
export type FillerSums = Map<NodeProto, NodeProto>

/**
 * Hides fillers from the attentions behind a cut: slots of shorter rows that hold tokens which were dropped. Only
 * needed where rows are ragged (threshold, mass, sampling); elsewhere fillers are padding, which the model's own mask
 * hides. `valid` names a bool [b,k].
 */
export function hideFillers(program: Program, encoder: Encoder, block: number, valid: string, sums: FillerSums): void {
  for (const { attention } of encoder.blocks.slice(block + 1)) {
    hideKeys(program, attention.chain.at(-1) as NodeProto, valid, `tp/block_${block}`, sums)
  }
}

function hideKeys(program: Program, softmax: NodeProto, valid: string, prefix: string, sums: FillerSums): void {
  const { graph } = program
  const known = sums.get(softmax)
  const scores = known?.input[0] ?? (softmax.input[0] as string)
  const { dtype, rank } = program.tensor(scores)
  const isValid = input(valid, 'bool', program.tensor(valid).dims)
  const bias = cast(unsqueeze(where(isValid, 0, HIDDEN), rank === 4 ? [1, 2] : [1]), dtype)
  const { name } = program.write(bias, new Map([[isValid, valid]]), { prefix, before: known ?? softmax })
  if (known !== undefined) {
    graph.replaceInput(known, 1, name)
    return
  }
  const hidden = graph.uniqueName(`${prefix}/hidden_fillers`)
  const node = createNode({ type: 'Add', name: hidden, inputs: [scores, name], outputs: [hidden] })
  graph.insert([node], softmax)
  graph.replaceInput(softmax, 0, hidden)
  program.setTensor(hidden, program.tensor(scores))
  sums.set(softmax, node)
}
