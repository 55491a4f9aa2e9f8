import { dtypeOf, type Model } from '@tp/onnx'

/**
 * How far outputs may differ, relative where they exceed 1, by rounding in another order of operations. Half precision has 11
 * bits, and weights of it are computed with as such.
 */
export function roundingOf({ proto }: Model): number {
  return proto.graph?.initializer.some(({ dataType }) => dtypeOf(dataType) === 'float16') ? 2e-2 : 1e-4
}
