import {
  add,
  axisSize,
  cast,
  equal,
  fill,
  gather,
  layerNormalization,
  mul,
  slice,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { type FusedNode, type Meaning, type Meant, numberOf } from './fused-operator.ts'

/**
 * com.microsoft.EmbedLayerNormalization: ids and segments [b,n], their tables and that of positions, the norm's scale
 * and shift, mask [b,n], positions. Output 1 is the number of ones in the mask of each example (not how far the last one
 * is), 0 without a mask; output 2 is the sum before the norm.
 */
export const embedLayerNormalization: Meaning = (node) => {
  const [ids, segments, words, positions, segmentTable, scale, shift, mask, positionIds] = node.inputs
  if (!ids || !words || !positions || !scale || !shift) return undefined
  const whole =
    (table: Tensor): Table =>
    (rows) =>
      rows(table)
  return embed(node, {
    ...{ ids, segments, mask, positionIds, words: whole(words), positions: whole(positions) },
    ...(segmentTable && { segmentTable: whole(segmentTable) }),
    ...{ scale, shift },
  })
}

/** com.microsoft.QEmbedLayerNormalization: the same from 8-bit weights; their five scales, and their zero points. */
export const qEmbedLayerNormalization: Meaning = (node) => {
  const [ids, segments, , , , , , mask] = node.inputs
  const weight = (index: number): Table | undefined => {
    const [table, scale, zero] = [index, index + 6, index + 11].map((at) => node.inputs[at])
    if (!table || !scale || !zero) return undefined
    const { dtype } = scale
    return (rows) => mul(sub(cast(rows(table), dtype), cast(zero, dtype)), scale)
  }
  const [words, positions, segmentTable, scale, shift] = [2, 3, 4, 5, 6].map(weight)
  if (!ids || !words || !positions || !scale || !shift) return undefined
  const all = (x: Tensor): Tensor => x
  return embed(node, {
    ...{ ids, segments, mask, positionIds: undefined, words, positions },
    ...(segmentTable && { segmentTable }),
    ...{ scale: scale(all), shift: shift(all) },
  })
}

/** Returns some rows of a table, in floats. */
type Table = (rows: (table: Tensor) => Tensor) => Tensor

interface Embedding {
  readonly ids: Tensor
  readonly segments: Tensor | undefined
  readonly mask: Tensor | undefined
  readonly positionIds: Tensor | undefined
  readonly words: Table
  readonly positions: Table
  readonly segmentTable?: Table
  readonly scale: Tensor
  readonly shift: Tensor
}

function embed(node: FusedNode, embedding: Embedding): Meant {
  const { ids, segments, mask, positionIds, words, positions, segmentTable, scale, shift } = embedding
  const tokens = axisSize(ids, 1)
  const positioned = positions((table) =>
    positionIds === undefined
      ? unsqueeze(slice(table, { axis: 0, start: 0, end: tokens }), [0])
      : gather(table, positionIds, 0),
  )
  let total = add(
    words((table) => gather(table, ids, 0)),
    positioned,
  )
  if (segments !== undefined && segmentTable !== undefined) {
    total = add(
      total,
      segmentTable((table) => gather(table, segments, 0)),
    )
  }
  const normal = layerNormalization(total, scale, shift, numberOf(node.attributes, 'epsilon', 1e-12))
  const count = mask === undefined ? fill(0, 'int32', axisSize(ids, 0)) : sum(cast(equal(mask, 1), 'int32'), [1])
  return { outputs: [normal, count, total] }
}
