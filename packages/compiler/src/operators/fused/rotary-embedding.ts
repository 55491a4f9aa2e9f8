import {
  add,
  axisSize,
  concat,
  elementCount,
  gather,
  mul,
  range,
  reshape,
  slice,
  sub,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { type FusedNode, type Meaning, type Meant, numberOf } from './fused-operator.ts'

/** com.microsoft.RotaryEmbedding: x [b,n,h·d] or [b,h,n,d], positions [b,n], tables of cosines and sines [·,r/2]. */
export const rotaryEmbedding: Meaning = (node) => {
  const [x, positions, cosines, sines] = node.inputs
  if (numberOf(node.attributes, 'scale', 1) !== 1 || numberOf(node.attributes, 'is_packed_batching', 0) === 1)
    return undefined
  return rotate(node, { x, cosines, sines, positions, at: { positions: 1, cosines: 2, sines: 3 } })
}

/** ONNX's own RotaryEmbedding (opset 23): x, tables, and positions, without which the tables are [b,n,r/2]. */
export const onnxRotaryEmbedding: Meaning = (node) => {
  const [x, cosines, sines, positions] = node.inputs
  return rotate(node, { x, cosines, sines, positions, at: { positions: 3, cosines: 1, sines: 2 } })
}

interface Rotation {
  readonly x: Tensor | undefined
  readonly cosines: Tensor | undefined
  readonly sines: Tensor | undefined
  readonly positions: Tensor | undefined
  /** Which inputs these are. */
  readonly at: { readonly positions: number; readonly cosines: number; readonly sines: number }
}

function rotate(node: FusedNode, { x, cosines, sines, positions, at }: Rotation): Meant | undefined {
  if (x === undefined || cosines === undefined || sines === undefined) return undefined
  const half = cosines.dims.at(-1)
  const perHead = x.rank === 4 ? x : headsOf(node, x, half)
  if (perHead === undefined || typeof half !== 'number') return undefined
  // A single position is that of the first token: only decoders say it so.
  if (positions !== undefined && positions.rank !== 2) return undefined
  if (positions === undefined && cosines.rank !== 3) return undefined
  const headAxis = x.rank === 4 ? 1 : 2
  const table = (values: Tensor, index: number): Tensor => {
    const each = unsqueeze(positions === undefined ? values : gather(values, positions, 0), headAxis)
    const names = `${node.names[index]} at ${node.names[at.positions]}`
    return node.shared(`${names} for heads on axis ${headAxis}`, each, (now) =>
      rows(now, index, at.positions, positions),
    )
  }
  const [c, s] = [table(cosines, at.cosines), table(sines, at.sines)]
  const turned = turn(perHead, c, s, half, numberOf(node.attributes, 'interleaved', 0) === 1)
  return { outputs: [x.rank === 4 ? turned : reshape(turned, [0, 0, x.dims[2] as number])] }
}

/** [b,n,h·d] → [b,n,h,d] */
function headsOf({ attributes }: FusedNode, x: Tensor, half: Tensor['dims'][number] | undefined): Tensor | undefined {
  const width = x.dims[2]
  if (x.rank !== 3 || typeof width !== 'number' || typeof half !== 'number') return undefined
  const heads = numberOf(attributes, 'num_heads', 0) || width / (2 * half)
  return Number.isInteger(width / heads) ? reshape(x, [0, 0, heads, width / heads]) : undefined
}

/** The inputs of the operator that rotate by `now`: a table with one row for each token, and the row of each token. */
function rows(
  now: Tensor,
  index: number,
  positionsIndex: number,
  positions: Tensor | undefined,
): Record<number, Tensor> {
  const half = now.dims.at(-1) as number
  if (positions === undefined) return { [index]: reshape(now, [0, -1, half]) }
  const table = reshape(now, [-1, half])
  const count = elementCount(slice(table, { axis: 1, start: 0, end: 1 }))
  return { [index]: table, [positionsIndex]: reshape(range(0, count), [axisSize(now, 0), -1]) }
}

function turn(x: Tensor, cosines: Tensor, sines: Tensor, half: number, interleaved: boolean): Tensor {
  const width = x.dims[3]
  const part = (y: Tensor, start: number, end?: number): Tensor =>
    slice(y, { axis: y.rank - 1, start, ...(end !== undefined && { end }) })
  const rest = typeof width === 'number' && width > 2 * half ? [part(x, 2 * half)] : []
  if (!interleaved) {
    const [a, b] = [part(x, 0, half), part(x, half, 2 * half)]
    const attended = sub(mul(a, cosines), mul(b, sines))
    return concat([attended, add(mul(b, cosines), mul(a, sines)), ...rest], 3)
  }
  const pairs = reshape(part(x, 0, 2 * half), [0, 0, 0, half, 2])
  const [a, b] = [0, 1].map((i) => reshape(part(pairs, i, i + 1), [0, 0, 0, half])) as [Tensor, Tensor]
  const attended = sub(mul(a, cosines), mul(b, sines))
  const both = [attended, add(mul(b, cosines), mul(a, sines))].map((y) => unsqueeze(y, 4))
  return concat([reshape(concat(both, 4), [0, 0, 0, 2 * half]), ...rest], 3)
}
