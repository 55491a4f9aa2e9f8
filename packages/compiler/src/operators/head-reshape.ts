import type { NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'

/** True for a reshape between [b·h,q,k] and [b,h,q,k]: no score moves among those of its head. */
export function isHeadReshape(program: Program, node: NodeProto): boolean {
  if (node.opType !== 'Reshape') return false
  const [from, to] = [node.input[0], node.output[0]].map((name) => program.tensor(name as string))
  if (!from?.hasShape || !to?.hasShape) return false
  const ranks = [from.rank, to.rank]
  return ranks.every((rank) => rank === 3 || rank === 4) && [-1, -2].every((at) => from.dims.at(at) === to.dims.at(at))
}
