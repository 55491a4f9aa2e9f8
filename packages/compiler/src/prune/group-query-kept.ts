import { add, axisSize, cast, mul, slice, squeeze, sub, type Tensor } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import { groupQueryHeads, groupQueryInputs } from '../operators/fused/group-query.ts'
import { integerAttribute } from '../operators/node-inputs.ts'
import { Operands } from '../program/operands.ts'
import type { Named, Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'

/** The values from which numbers of tokens after a cut of a prompt are read. */
export interface Lengths {
  /** int64 [b,k,1]: kept new tokens */
  readonly indices: string
  /** Caches [b,·,p,·] of earlier layers, and [b,·,q,·] of later ones. */
  readonly seen: string
  readonly kept: string
  /** [b,n,D] */
  readonly stream: string
}

/** More tokens than any cache holds. */
const OUT_OF_RANGE = 2 ** 24

const {
  query: QUERY,
  key: KEY,
  value: VALUE,
  last: LAST,
  total: TOTAL,
  cosines: COSINES,
  sines: SINES,
} = groupQueryInputs

/**
 * Tells each GroupQueryAttention of the layers after a cut how many tokens there are, and turns queries and keys by their positions
 * in front of it: by itself it would count positions from the first kept token, whatever positions it is given for a prompt.
 */
export function countKept(program: Program, nodes: readonly NodeProto[], lengths: Lengths): void {
  const [first] = nodes
  if (first === undefined) return
  const operands = new Operands(program)
  const [indices, seen, kept, stream] = [lengths.indices, lengths.seen, lengths.kept, lengths.stream].map((name) =>
    operands.value(name),
  ) as [Tensor, Tensor, Tensor, Tensor]
  const pruned = sub(add(axisSize(seen, 2), axisSize(stream, 1)), add(axisSize(kept, 2), axisSize(indices, 1)))
  const fewer = (index: typeof LAST | typeof TOTAL): Tensor => {
    const count = operands.value(first.input[index] as string)
    return sub(count, cast(count.rank === 0 ? squeeze(pruned, [0]) : pruned, count.dtype))
  }
  const positions = add(squeeze(indices, [2]), axisSize(seen, 2))
  const ends = sub(fewer(LAST), mul(OUT_OF_RANGE, isPadded(operands, first)))
  const written = program.writeAll([ends, fewer(TOTAL), positions], operands.names, {
    prefix: 'tp/prompt',
    before: first,
  })
  const [last, total, places] = written.map(({ name }: Named) => name) as [string, string, string]
  for (const node of nodes) {
    program.graph.replaceInput(node, LAST, last)
    program.graph.replaceInput(node, TOTAL, total)
    if (integerAttribute(node, 'do_rotary', 0) === 1) turnBefore(program, node, places)
  }
}

/**
 * int32 [b]: 1 for an example that has padding. Kept tokens are as many in each, so that the operator could not tell which of them
 * are padding; it refuses a last token that is out of range.
 */
function isPadded(operands: Operands, { input }: NodeProto): Tensor {
  const [last, total] = [LAST, TOTAL].map((index) => operands.value(input[index] as string)) as [Tensor, Tensor]
  return cast(cast(sub(sub(cast(total, last.dtype), 1), last), 'bool'), last.dtype)
}

/** Turns queries and keys by positions int64 [b,k] in front of the operator instead of inside it. */
function turnBefore(program: Program, node: NodeProto, positions: string): void {
  const { graph } = program
  if (!node.input[KEY]) unpack(program, node)
  const [cosines, sines] = [node.input[COSINES] as string, node.input[SINES] as string]
  const interleaved = integerAttribute(node, 'rotary_interleaved', 0)
  for (const index of [QUERY, KEY] as const) {
    const data = node.input[index] as string
    const turned = graph.uniqueName(`${data}/turned`)
    const turning = createNode({
      type: 'RotaryEmbedding',
      domain: 'com.microsoft',
      name: turned,
      inputs: [data, positions, cosines, sines],
      outputs: [turned],
      attributes: { interleaved },
    })
    graph.insert([turning], node)
    program.setTensor(turned, program.tensor(data))
    graph.replaceInput(node, index, turned)
  }
  for (const index of [COSINES, SINES] as const) graph.replaceInput(node, index, '')
  node.attribute = node.attribute.filter(({ name }) => name !== 'do_rotary' && name !== 'rotary_interleaved')
}

/** Queries, keys and values [b,k,(h + 2·g)·d] in one become three. */
function unpack(program: Program, node: NodeProto): void {
  const operands = new Operands(program)
  const packed = operands.value(node.input[QUERY] as string)
  const width = packed.dims[2]
  if (typeof width !== 'number') throw new Refused('TP_HEADS', 'the size of a head is not known', node)
  const heads = groupQueryHeads(node)
  const size = width / heads.packed
  const bounds = [0, heads.query * size, (heads.query + heads.key) * size, width] as const
  const parts = [QUERY, KEY, VALUE].map((i) =>
    slice(packed, { axis: 2, start: bounds[i] as number, end: bounds[i + 1] as number }),
  )
  for (const [index, { name }] of program
    .writeAll(parts, operands.names, { prefix: 'tp/prompt', before: node })
    .entries())
    program.graph.replaceInput(node, index, name)
}
