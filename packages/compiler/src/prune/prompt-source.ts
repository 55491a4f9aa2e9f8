import { axisSize, slice, sub, type Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { SiteSource } from '@tp/core/host'
import type { Attention } from '../analyze/attention.ts'
import type { Cache } from '../analyze/caches.ts'
import type { Decoder, DecoderLayer } from '../analyze/decoder.ts'
import { replayScores, type SideUse } from '../analyze/scores.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { groupQuerySource } from './group-query-source.ts'
import { withLeadingAxes } from './rows.ts'
import { productOf, repeatPerRow, takeQueries } from './site-source.ts'

/** A layer of a decoder as methods see it, but for the token that is read next: its new tokens, and of its attention what these receive. */
export interface PromptSource extends Omit<SiteSource, 'classToken'> {
  /** Placeholders in the expressions → values of the graph. */
  readonly names: Map<Tensor, string>
}

/**
 * The site of a method at a layer of a decoder. `stream`: [b,n,D] after the layer's attention, of the new tokens; keys and values
 * are those of the new tokens, too, and attention [b,h,n,p+n] is given in its last n columns.
 */
export function promptSource(program: Program, decoder: Decoder, index: number, stream: string): PromptSource {
  const layer = decoder.layers[index] as DecoderLayer
  const operands = new Operands(program)
  const hidden = operands.value(stream, ['B', 'N', 'D'])
  const { fused } = layer.attention
  const attention =
    fused === undefined
      ? writtenSource(program, layer, operands, hidden)
      : groupQuerySource(program, layer, operands, hidden)
  return {
    layer: index,
    layerCount: decoder.layers.length,
    hidden,
    ...attention,
    names: operands.names,
  }
}

/** For an attention that is written out. */
function writtenSource(
  program: Program,
  { attention, keys, values }: DecoderLayer,
  operands: Operands,
  hidden: Tensor,
): Pick<SiteSource, 'query' | 'key' | 'value' | 'attention' | 'attentionFrom'> {
  const placeholders = new Map<string, Tensor>()
  const value = (name: string, dims: readonly Dim[]): Tensor => {
    const known = placeholders.get(name)
    if (known !== undefined) return known
    const placeholder = operands.value(name, dims)
    placeholders.set(name, placeholder)
    return placeholder
  }
  const written = attention as Attention
  const perHead = (name: string, rows: Dim, columns: Dim): Tensor => {
    if (program.tensor(name).rank === 4) return value(name, ['B', 'H', rows, columns])
    const reason = `a layer keeps its heads as ${program.tensor(name)}, not in an axis of their own`
    throw new Refused('TP_HEADS', reason, program.graph.producer(name))
  }
  const added = (cache: Cache): Tensor => value(cache.node.input[1] as string, ['B', 'G', 'N', 'Dh'])
  const receivedByNew = (probabilities: Tensor): Tensor =>
    slice(probabilities, { axis: 3, start: sub(axisSize(probabilities, 3), axisSize(hidden, 1)) })
  return {
    query: () => perHead(attention.query, 'N', 'Dh'),
    key: () => added(keys),
    value: () => added(values),
    attention: () => receivedByNew(perHead(written.probabilities, 'N', 'M')),
    attentionFrom(rows) {
      const query = takeQueries(perHead(attention.query, 'N', 'Dh'), rows)
      const scores = productOf(program, written, query, perHead(attention.keyTransposed, 'Dh', 'M'))
      return receivedByNew(replayScores(program, written, scores, (use) => sideRows(program, use, rows, value)))
    },
  }
}

/** A mask, bias or scale that meets the scores [B,H,N,M], for the same query rows. */
function sideRows(
  program: Program,
  { name }: SideUse,
  rows: Tensor | number,
  value: (name: string, dims: readonly Dim[]) => Tensor,
): Tensor {
  const { dims, rank } = program.tensor(name)
  const axes = ['B', 'H', 'N', 'M'].slice(4 - rank)
  const side = value(
    name,
    dims.map((dim, axis) => (dim === 1 ? 1 : (axes[axis] as Dim))),
  )
  if (rank < 2 || dims[rank - 2] === 1) return side
  const full = withLeadingAxes(side, 4)
  return takeQueries(typeof rows !== 'number' && full.dims[0] === 1 ? repeatPerRow(full, rows) : full, rows)
}
