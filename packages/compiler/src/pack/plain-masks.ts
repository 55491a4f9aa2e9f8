import { variantName } from '@tp/core/packed'
import { type NodeProto, readAttributes } from '@tp/onnx'
import type { Program } from '../program/program.ts'
import { numberAtMarks } from './number-at-marks.ts'
import { packedNode, packedOperatorOf, rolesOf } from './operators.ts'
import type { Segment } from './segments.ts'

/**
 * Leaves out masks that hide padding and do nothing else from attentions that have no padding: each adds 0 to all scores. In place.
 * @param segments of which no token of padding is packed
 */
export function dropPlainMasks(program: Program, segments: readonly Segment[]): void {
  const { graph } = program
  for (const node of [...graph.nodes]) {
    const [family, ...features] = packedOperatorOf(node)?.name.split('_') ?? []
    if (family !== 'PackedAttention' || !features.includes('keyBias')) continue
    const { keyBias = '', ...inputs } = rolesOf(node)
    const segment = segments.find(({ offsets }) => offsets === inputs.offsets)
    if (segment === undefined || !isZeroAtTokens(program, segment, graph.producer(keyBias))) continue
    const name = variantName(
      family,
      features.filter((feature) => feature !== 'keyBias'),
    )
    const [context = '', received] = node.output
    const attributes = readAttributes(node) ?? {}
    graph.remove(node)
    graph.insert([packedNode(name, inputs, { context, ...(received !== undefined && { received }) }, attributes)])
  }
}

function isZeroAtTokens(program: Program, { marks }: Segment, pack: NodeProto | undefined): boolean {
  const attended = new Map([...marks].map(([name, padding]) => [name, 1 - padding]))
  return pack !== undefined && numberAtMarks(program, pack.input[0] as string, attended) === 0
}
