import { add, constant, layerNormalization, matmul, type Tensor } from '@tp/core'

/** Layers whose float32 weights are drawn one after the other. */
export interface RandomLayers {
  /** A constant of that shape. */
  weight(dims: readonly number[], deviation: number): Tensor
  /** x · W + b over the last axis. */
  linear(x: Tensor, to: number, deviation?: number): Tensor
  /** LayerNormalization over the last axis. */
  norm(x: Tensor): Tensor
}

/** `normal`: see `seeded`. */
export function randomLayers(normal: () => number): RandomLayers {
  const weight = (dims: readonly number[], deviation: number): Tensor =>
    constant(
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => normal() * deviation),
      'float32',
      dims,
    )
  return {
    weight,
    linear(x, to, deviation = 1) {
      const from = x.dims.at(-1) as number
      return add(matmul(x, weight([from, to], deviation / Math.sqrt(from))), weight([to], 0.1))
    },
    norm(x) {
      const hidden = x.dims.at(-1) as number
      return layerNormalization(x, weight([hidden], 1), weight([hidden], 0.1), 1e-5)
    },
  }
}
