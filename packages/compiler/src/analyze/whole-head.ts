import type { NodeProto } from '@tp/onnx'
import { batchFirst } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { type Layer, stackEnd } from './layer.ts'
import { type TokenAxis, traceTokens } from './token-axis.ts'

/**
 * A head that tokens cannot be followed through, since it reads every one at its position: it makes a grid of them, or has weights for
 * each position. Pruned tokens are restored upstream of it.
 */
export interface WholeHead {
  /** Why tokens cannot be followed. */
  readonly refused: Refused
  /** The streams that it reads: between the layers, or the result of the last one. */
  readonly reads: readonly WholeRead[]
}

interface WholeRead {
  readonly stream: string
  readonly readers: readonly NodeProto[]
  /** The layer that reads the stream, too; their number downstream of the last one. */
  readonly layer: number
}

/** Where the tokens of an encoder are, up to its head if they cannot be followed any further. */
export interface TracedTokens {
  readonly axis: TokenAxis
  readonly wholeHead?: WholeHead
}

/** The reason why a head needs all tokens, among those through which tokens cannot be followed; reading a single token is not such a reason. */
const needsAll: ReadonlySet<string> = new Set([
  'TP_SHAPE',
  'TP_TOKEN_AXIS',
  'TP_TOKEN_CONCAT',
  'TP_TOKEN_INDEX',
  'TP_TOKEN_MIXING',
  'TP_UNSUPPORTED_OP',
])

export interface HeadTraceOptions {
  readonly layers: readonly Layer[]
  readonly stream: string
  /** Where tokens that were pruned before are restored. */
  readonly ends: readonly string[]
  /** Tokens stand for ids. Those of a text do not resemble their neighbors, so that a head cannot do with these. */
  readonly readsIds: boolean
}

/**
 * Follows the tokens of a stream to the outputs, or up to a head that they cannot be followed through.
 * @throws Refused if they cannot be followed through the layers
 */
export function traceToHead(program: Program, { layers, stream, ends, readsIds }: HeadTraceOptions): TracedTokens {
  const stops = ends.flatMap((end) => program.graph.consumers(end).map(({ node }) => node))
  try {
    return { axis: traceLayers(program, layers, stream, stops) }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const isOpen = !readsIds && ends.length === 0 && needsAll.has(error.refusal.code)
    const reads = isOpen ? headReads(program, layers) : []
    if (reads.length === 0) throw error
    const readers = reads.flatMap((read) => read.readers)
    const wholeHead = { refused: error, reads }
    return { axis: traceLayers(program, layers, stream, [...stops, ...readers]), wholeHead }
  }
}

/**
 * Follows tokens, but not through what the first layer makes of its input before any can be pruned: a convolution next to its attention
 * (DeBERTa-v2) has all of them, and what it returns follows a cut like any operand.
 */
function traceLayers(
  program: Program,
  [first]: readonly Layer[],
  stream: string,
  stops: readonly NodeProto[],
): TokenAxis {
  try {
    return traceTokens(program, stream, { stops })
  } catch (error) {
    const node = error instanceof Refused ? error.at : undefined
    if (node === undefined || first === undefined || stream !== first.input || stops.includes(node)) throw error
    const downstream = program.after(first.site)
    const inLayers = program.before(first.site)
    if (node.output.some((name) => downstream.has(name) || inLayers.has(name))) throw error
    return traceLayers(program, [first], stream, [...stops, node])
  }
}

/** Reads of the residual stream by nodes that no layer needs. */
function headReads(program: Program, layers: readonly Layer[]): WholeRead[] {
  const found = stackEnd(program, layers.at(-1) as Layer)
  const end = found && batchFirst(program, found)
  if (end === undefined) return []
  const inside = program.upstream([end])
  const streams = [...layers.map(({ input }) => input), end]
  return streams.flatMap((stream, layer) => {
    const readers = program.graph.consumers(stream).flatMap(({ node }) => (inside.has(node) ? [] : [node]))
    return readers.length === 0 ? [] : [{ stream, readers, layer }]
  })
}
