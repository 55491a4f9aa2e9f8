import {
  apply,
  concat,
  constant,
  type Dim,
  expand,
  gatherND,
  input,
  type SiteSource,
  shape,
  slice,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import type { Block } from './block.ts'
import type { Encoder } from './encoder.ts'
import type { Program } from './program.ts'
import { Refused } from './refusal.ts'

/** A block of a graph as methods see it, and the values of the graph that their expressions read. */
export interface GraphSite extends SiteSource {
  /** Placeholders in the expressions → values of the graph. */
  readonly names: Map<Tensor, string>
}

/** What block `index` of an encoder gives to a method. */
export function graphSite(program: Program, encoder: Encoder, index: number): GraphSite {
  const block = encoder.blocks[index] as Block
  const { attention } = block
  const names = new Map<Tensor, string>()
  const placeholders = new Map<string, Tensor>()
  /** The value with its axes named as methods name them. */
  const value = (name: string, dims: readonly Dim[]): Tensor => {
    const known = placeholders.get(name)
    if (known !== undefined) return known
    const placeholder = input(name, program.tensor(name).dtype, dims)
    placeholders.set(name, placeholder)
    names.set(placeholder, name)
    return placeholder
  }
  /** [b,h,·,·] with the given last axes, whether the heads have an axis or there is only one. */
  const perHead = (name: string, rows: Dim, columns: Dim): Tensor => {
    const { rank, dims } = program.tensor(name)
    if (rank === 4) return value(name, ['B', 'H', rows, columns])
    if (rank === 3 && dims[0] === encoder.batch) return unsqueeze(value(name, ['B', rows, columns]), [1])
    throw new Refused(
      'TP_HEADS',
      `block ${index} keeps its heads as [${dims.join(',')}], which cannot be taken apart`,
      attention.chain[0],
    )
  }
  return {
    block: index,
    blocks: encoder.blocks.length,
    hidden: value(block.site, ['B', 'N', 'D']),
    query: () => perHead(attention.query, 'N', 'Dh'),
    key: () => transpose(perHead(attention.keyTransposed, 'Dh', 'N'), [0, 1, 3, 2]),
    value: () => perHead(attention.value, 'N', 'Dh'),
    attention: () => perHead(attention.probabilities, 'N', 'N'),
    attentionFrom: (rows) => recompute(program, block, rows, value),
    classToken() {
      if (encoder.classToken !== undefined) return encoder.classToken
      throw new Refused(
        'TP_NO_CLASS_TOKEN',
        'the model has no class token that its head reads; choose a method that does not need one, or name it with --protect',
      )
    },
    names,
  }
}

/** The nodes from Q·Kᵀ to the softmax once more, for some query rows only. → [B,H,Q,N] */
function recompute(
  program: Program,
  block: Block,
  rows: Tensor | number,
  value: (name: string, dims: readonly Dim[]) => Tensor,
): Tensor {
  const { attention } = block
  const computed = new Map<string, Tensor>()
  const rank = program.tensor(attention.query).rank
  for (const node of attention.chain) {
    const inputs = node.input.map((name): Tensor | undefined => {
      if (name === '') return undefined
      const known = computed.get(name)
      if (known !== undefined) return known
      if (name === attention.query) return takeQueries(value(name, headDims(rank, 'N', 'Dh')), rows, rank)
      if (name === attention.keyTransposed) return value(name, headDims(rank, 'Dh', 'N'))
      return sideRows(program, name, rows, rank, value)
    })
    const { op, attributes } = program.tensor(node.output[0] as string).node
    const outputs = apply(op, inputs, attributes)
    computed.set(node.output[0] as string, outputs[0] as Tensor)
  }
  const result = computed.get(attention.probabilities) as Tensor
  return rank === 4 ? result : unsqueeze(result, [1])
}

function headDims(rank: number, rows: Dim, columns: Dim): Dim[] {
  return rank === 4 ? ['B', 'H', rows, columns] : ['B', rows, columns]
}

/** Rows of the query axis (the last but one). */
function takeQueries(x: Tensor, rows: Tensor | number, rank: number): Tensor {
  if (typeof rows === 'number') return slice(x, { axis: rank - 2, start: rows, end: rows + 1 })
  const indices = unsqueeze(rows, [2])
  if (rank === 3) return gatherND(x, indices, 1)
  return transpose(gatherND(transpose(x, [0, 2, 1, 3]), indices, 1), [0, 2, 1, 3])
}

/** A mask, bias or scale beside the scores, for the same query rows. */
function sideRows(
  program: Program,
  name: string,
  rows: Tensor | number,
  rank: number,
  value: (name: string, dims: readonly Dim[]) => Tensor,
): Tensor {
  const actual = program.tensor(name)
  const missing = rank - actual.rank
  const byQuery = actual.rank >= 2 && actual.dims[actual.rank - 2] !== 1
  const dims = actual.dims.map((dim, axis) => sideDim(dim, axis + missing, rank))
  const whole = value(name, dims)
  if (!byQuery) return whole
  if (typeof rows === 'number') return slice(whole, { axis: actual.rank - 2, start: rows, end: rows + 1 })
  const full =
    missing > 0
      ? unsqueeze(
          whole,
          Array.from({ length: missing }, (_, i) => i),
        )
      : whole
  return takeQueries(full.dims[0] === 1 ? repeatPerRow(full, rows) : full, rows, rank)
}

/** [1,…] → [B,…] for rows [B,Q]. */
function repeatPerRow(x: Tensor, rows: Tensor): Tensor {
  const batch = shape(rows, { start: 0, end: 1 })
  return expand(
    x,
    concat(
      [
        batch,
        constant(
          x.dims.slice(1).map(() => 1),
          'int64',
        ),
      ],
      0,
    ),
  )
}

/** Axis names of a side operand, aligned to the scores [B,H,N,N]; sizes of 1 repeat. */
function sideDim(dim: Dim, place: number, rank: number): Dim {
  if (dim === 1) return 1
  return (rank === 4 ? ['B', 'H', 'N', 'N'] : ['B', 'N', 'N'])[place] as Dim
}
