import { dtypeOf, type Model } from '@tp/onnx'

/** Beyond what its source's own answers differ by in a batch, single precision explains so much, relative where numbers exceed 1 … */
const SINGLE = 1e-5
/** … and so many times that. */
const TIMES = 30
/** No more than this, however much they differ. */
const MOST = 1e-4

/**
 * How far outputs may differ, relative where they exceed 1, by rounding in another order of operations. Half precision has 11
 * bits, and weights of it are computed with as such.
 */
export function roundingOf({ proto }: Model): number {
  return proto.graph?.initializer.some(({ dataType }) => dtypeOf(dataType) === 'float16') ? 2e-2 : MOST
}

/** @param noise how far a model's own answers in a batch are from those alone */
export function roundingBeyond(model: Model, noise: number): number {
  const most = roundingOf(model)
  return most > MOST ? most : Math.min(most, Math.max(SINGLE, TIMES * noise))
}
