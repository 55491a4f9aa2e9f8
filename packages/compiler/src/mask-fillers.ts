import { axisSize, cast, type Dim, div, input, mul, sum, unsqueeze, where } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Encoder } from './encoder.ts'
import { counts, type Flow, placeholder } from './flow.ts'
import type { Program } from './program.ts'
import { Refused } from './refusal.ts'

/** Added to a score, makes its softmax weight exactly 0; finite in float16 too. */
const HIDDEN = -30000

/** The sums that hide fillers in front of each softmax, so that a later cut can renew them. */
export type FillerSums = Map<NodeProto, NodeProto>

/**
 * Hides fillers: slots of shorter rows that hold tokens which were dropped. Only needed where rows are ragged
 * (threshold, mass, sampling); elsewhere fillers are padding, which the model's own mask hides.
 *
 * `valid` names a bool [b,k]. Later attentions get a key bias, reductions over the tokens a weight.
 */
export function hideFillers(
  program: Program,
  encoder: Encoder,
  block: number,
  valid: string,
  flow: Flow,
  sums: FillerSums,
): void {
  const prefix = `tp/block_${block}`
  const chains = new Set(encoder.blocks.flatMap(({ attention }) => attention.chain))
  for (const { attention } of encoder.blocks.slice(block + 1)) {
    hideKeys(program, attention.chain.at(-1) as NodeProto, valid, prefix, sums)
  }
  for (const node of [...program.graph.nodes]) {
    const tensor = flow.changed.get(node.input[0] as string)
    if (tensor === undefined || chains.has(node) || !node.opType.startsWith('Reduce')) continue
    const { axes } = program.tensor(node.output[0] as string).node.attributes as { axes?: readonly number[] }
    const over = (axes ?? tensor.dims.map((_, axis) => axis)).filter((axis) => counts(flow, tensor.dims[axis] as Dim))
    if (over.length > 0) weigh(program, node, over, valid, prefix)
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

/** Makes a reduction over the tokens leave fillers out. */
function weigh(program: Program, node: NodeProto, over: readonly number[], valid: string, prefix: string): void {
  const { graph } = program
  const name = node.input[0] as string
  const { dtype, dims, rank } = program.tensor(name)
  const [axis] = over
  if (over.length !== 1 || axis === undefined || axis === 0) {
    throw new Refused(
      'TP_POOLING',
      'rows keep different numbers of tokens here, and this reduction cannot leave out the fillers',
      node,
    )
  }
  const x = placeholder(name, program.tensor(name), dims)
  const isValid = input(valid, 'bool', program.tensor(valid).dims)
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 0 && i !== axis)
  const weight = cast(unsqueeze(isValid, others), dtype)
  const names = new Map([
    [x, name],
    [isValid, valid],
  ])
  if (node.opType === 'ReduceSum') {
    const { name: weighted } = program.write(mul(x, weight), names, { prefix, before: node })
    graph.replaceInput(node, 0, weighted)
  } else if (node.opType === 'ReduceMax') {
    const { name: chosen } = program.write(where(unsqueeze(isValid, others), x, HIDDEN), names, {
      prefix,
      before: node,
    })
    graph.replaceInput(node, 0, chosen)
  } else if (node.opType === 'ReduceMean') {
    // Mean over all slots × slots / kept tokens = mean over the kept ones; the node itself stays as it is.
    const slots = cast(axisSize(isValid, 1), dtype)
    const share = div(slots, sum(weight, axis, { keepDims: true }))
    const { name: weighted } = program.write(mul(x, mul(weight, share)), names, { prefix, before: node })
    graph.replaceInput(node, 0, weighted)
  } else {
    throw new Refused(
      'TP_POOLING',
      `rows keep different numbers of tokens here, and ${node.opType} over them cannot leave out the fillers`,
      node,
    )
  }
}
