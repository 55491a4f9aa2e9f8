import { constant, gather, gatherND, slice, type Tensor } from '@tp/core'
import { type NodeProto, readAttributes, readConstant } from '@tp/onnx'
import type { Program } from '../program/program.ts'

/** A node that reads some of the rows of a value [b,h,n,d]. */
export interface RowRead {
  readonly node: NodeProto
  /** Takes the same rows out of [b,n,D]; `positions` is what the node reads its positions from, where they are computed. */
  readonly take: (x: Tensor, positions?: Tensor) => Tensor
  /** Name of the positions [b,q,1], if they are computed for each example; the node then returns [b,q,h,d]. */
  readonly positions?: string
}

/** The reads of rows that a reader of [b,h,n,d] amounts to; undefined if it reads it otherwise. */
export function rowReads(program: Program, reader: NodeProto): readonly RowRead[] | undefined {
  if (reader.domain !== '') return undefined
  const attributes = readAttributes(reader)
  if (reader.opType === 'Transpose') {
    return String(attributes?.perm) === '0,2,1,3' ? readsAtPositions(program, reader.output[0] as string) : undefined
  }
  if (reader.opType === 'Gather') {
    const positions = listOf(program, reader.input[1])
    if (attributes?.axis !== 2 || positions === undefined) return undefined
    return [{ node: reader, take: (x) => gather(x, constant(positions, 'int64'), 1) }]
  }
  const [starts, ends, axes] = [1, 2, 3].map((index) => listOf(program, reader.input[index]))
  if (reader.opType !== 'Slice' || reader.input.length !== 4 || axes?.join() !== '2') return undefined
  const [start, end] = [starts?.[0], ends?.[0]]
  if (start === undefined || end === undefined) return undefined
  return [{ node: reader, take: (x) => slice(x, { axis: 1, start, end }) }]
}

/** All readers of [b,n,h,d], if each takes rows at positions [b,q,1] of its own. */
function readsAtPositions(program: Program, name: string): RowRead[] | undefined {
  const { graph } = program
  if (graph.isOutput(name)) return undefined
  const reads = graph.consumers(name).map(({ node, index }): RowRead | undefined => {
    const positions = node.input[1]
    const isGather = node.domain === '' && node.opType === 'GatherND' && index === 0
    if (!isGather || positions === undefined || readAttributes(node)?.batch_dims !== 1) return undefined
    const { dims } = program.tensor(positions)
    if (dims.length !== 3 || dims[2] !== 1) return undefined
    return { node, positions, take: (x, at) => gatherND(x, at as Tensor, 1) }
  })
  return reads.every((read) => read !== undefined) ? reads : undefined
}

function listOf({ graph }: Program, name: string | undefined): readonly number[] | undefined {
  const tensor = name === undefined ? undefined : graph.initializer(name)
  return tensor === undefined || tensor.dims.length !== 1 ? undefined : Array.from(readConstant(tensor).data)
}
