import type { NodeProto } from '@tp/onnx'

export function attribute(node: NodeProto, name: string): number {
  const found = node.attribute.find((entry) => entry.name === name)
  if (found === undefined) throw new Error(`${node.opType} has no ${name}`)
  return Number(found.i)
}

export interface WeightSize {
  readonly rows: number
  readonly columns: number
  /** Rows that share a scale. */
  readonly block: number
}

/**
 * 4-bit weights of com.microsoft::MatMulNBits as [rows, columns]: they are stored column by column, in blocks of rows, two to
 * a byte with the lower half first; (q − zero) · scale, zero 8 unless given.
 */
export function unpackNibbles(
  packed: ArrayLike<number>,
  scales: ArrayLike<number>,
  zeros: ArrayLike<number> | undefined,
  { rows, columns, block }: WeightSize,
): Float32Array {
  const blocks = Math.ceil(rows / block)
  const half = (bytes: ArrayLike<number>, i: number): number =>
    ((bytes[i >> 1] as number) >> (i % 2 === 0 ? 0 : 4)) & 15
  const values = new Float32Array(rows * columns)
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      const at = Math.floor(row / block)
      const q = half(packed, (column * blocks + at) * block + (row % block))
      const zero = zeros === undefined ? 8 : half(zeros, column * (blocks + (blocks % 2)) + at)
      values[row * columns + column] = (q - zero) * (scales[column * blocks + at] as number)
    }
  }
  return values
}
