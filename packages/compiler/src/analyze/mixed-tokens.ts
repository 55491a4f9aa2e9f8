import type { NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import type { Layer } from './layer.ts'
import { joinedChunks, joinedNeighbors } from './other-mixing.ts'

/**
 * Why the tokens of a stack cannot be followed where something other than attention makes tokens of several, whatever stands first on the way to
 * it: padding, rows that are shifted for relative positions, or a size that is not known.
 */
export function refuseMixing(
  program: Program,
  layers: readonly Layer[],
  { at, refusal }: Refused,
): Refused | undefined {
  if (!hides.has(refusal.code)) return undefined
  return (
    mixedBetween(program, layers) ??
    convolved(program, layers, at) ??
    joinedChunks(program, (layers[0] as Layer).input) ??
    joinedNeighbors(program)
  )
}

/** Codes of what may stand on the way to it. */
const hides: ReadonlySet<string> = new Set([
  'TP_MASK',
  'TP_POSITION_BIAS',
  'TP_STREAM',
  'TP_TOKEN_AXIS',
  'TP_TOKEN_CONCAT',
  'TP_TOKEN_INDEX',
  'TP_TOKEN_MIXING',
  'TP_UNSUPPORTED_OP',
])

/** A convolution inside the layers (Conformer), if it is there that tokens cannot be followed. */
function convolved(program: Program, layers: readonly Layer[], at: NodeProto | undefined): Refused | undefined {
  const [first, last] = [layers[0], layers.at(-1)]
  if (at === undefined || first === undefined || last === undefined) return undefined
  const [downstream, upstream] = [program.after(first.input), program.before(last.site)]
  const isInLayers = ({ output }: NodeProto): boolean =>
    output.some((name) => upstream.has(name) && downstream.has(name))
  if (!isInLayers(at)) return undefined
  const mixing = program.graph.nodes.find((own) => isInLayers(own) && hasWeightsOfRank(program, own, 3))
  if (mixing === undefined) return undefined
  const reason = `layers mix ${widthOf(program, mixing)} neighboring tokens by a convolution (as Conformers do)`
  return new Refused('TP_TOKEN_MIXING', `${reason}, so that a pruned token would change those next to it`, mixing)
}

/** Pooling, or a convolution over a feature map, between two layers. */
function mixedBetween(program: Program, layers: readonly Layer[]): Refused | undefined {
  for (const [i, { site }] of layers.slice(0, -1).entries()) {
    const [downstream, upstream] = [program.after(site), program.before((layers[i + 1] as Layer).input)]
    const mixing = program.graph.nodes.find(
      (node) =>
        (hasWeightsOfRank(program, node, 4) || (hasTrait(node, 'grid') && hasTrait(node, 'reduction'))) &&
        node.output.some((name) => upstream.has(name) && downstream.has(name)),
    )
    if (mixing === undefined) continue
    const isPool = hasTrait(mixing, 'reduction')
    const reason = isPool
      ? `between layers ${i} and ${i + 1} "${nameOf(mixing)}" pools neighboring tokens, so that later layers have fewer`
      : `between layers ${i} and ${i + 1} the tokens are a feature map again, whose neighbors "${nameOf(mixing)}" mixes`
    return new Refused('TP_TOKEN_MIXING', `${reason}; a pruned token would change those next to it`, mixing)
  }
  return undefined
}

function hasWeightsOfRank(program: Program, node: NodeProto, rank: number): boolean {
  return node.opType === 'Conv' && program.tensor(node.input[1] as string).rank >= rank && widthOf(program, node) > 1
}

/** The largest number of neighbors along an axis that a convolution takes together. */
function widthOf(program: Program, { input }: NodeProto): number {
  const sizes = program.tensor(input[1] as string).dims.slice(2)
  return Math.max(...sizes.map(Number))
}
