import type { KernelContext, Value } from '../expression/tensor.ts'
import { type Attributes, ShapeProblem } from '../expression/tensor.ts'
import { intOf, textOf } from './operands.ts'
import { around } from './strides.ts'

/** Which elements of an axis one element of the resized axis is made of. */
interface Mixture {
  readonly from: readonly number[]
  readonly weights: readonly number[]
}

/** One axis resized: `factor` is the ratio of sizes, or what the file gives for it. */
export function resizeAxis(
  x: Value,
  axis: number,
  size: number,
  factor: number,
  attributes: Attributes,
  context: KernelContext,
): Value {
  const { outer, size: before, inner } = around(x.dims, axis)
  const result = context.zeros(x.dtype, x.dims.with(axis, size))
  for (let i = 0; i < size; i++) {
    const { from, weights } = mixture(sourceOf(i, before, size, factor, attributes), before, attributes)
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < inner; j++) {
        let sum = 0
        for (let tap = 0; tap < from.length; tap++) {
          sum += (weights[tap] as number) * (x.data[(o * before + (from[tap] as number)) * inner + j] as number)
        }
        result.data[(o * size + i) * inner + j] = sum
      }
    }
  }
  return result
}

/** The place in the original axis that an element of the resized one stands at. */
function sourceOf(i: number, before: number, size: number, factor: number, attributes: Attributes): number {
  const mode = textOf(attributes, 'coordinate_transformation_mode', 'half_pixel')
  if (mode === 'half_pixel') return (i + 0.5) / factor - 0.5
  if (mode === 'pytorch_half_pixel') return size > 1 ? (i + 0.5) / factor - 0.5 : 0
  if (mode === 'asymmetric') return i / factor
  if (mode === 'align_corners') return size > 1 ? (i * (before - 1)) / (size - 1) : 0
  throw new ShapeProblem(`coordinate_transformation_mode ${mode} cannot be computed here`)
}

function mixture(place: number, size: number, attributes: Attributes): Mixture {
  const inside = (i: number): number => Math.min(size - 1, Math.max(0, i))
  const mode = textOf(attributes, 'mode', 'nearest')
  if (mode === 'nearest') return { from: [inside(nearest(place, attributes))], weights: [1] }
  const first = Math.floor(place)
  const rest = place - first
  if (mode === 'linear') return { from: [inside(first), inside(first + 1)], weights: [1 - rest, rest] }
  const taps = [first - 1, first, first + 1, first + 2]
  const a = intOf(attributes, 'cubic_coeff_a', -0.75)
  const weights = [1 + rest, rest, 1 - rest, 2 - rest].map((distance) => cubic(distance, a))
  if (intOf(attributes, 'exclude_outside', 0) === 0) return { from: taps.map(inside), weights }
  const kept = weights.map((weight, tap) => (taps[tap] === inside(taps[tap] as number) ? weight : 0))
  const total = kept.reduce((sum, weight) => sum + weight, 0)
  return { from: taps.map(inside), weights: kept.map((weight) => weight / total) }
}

function nearest(place: number, attributes: Attributes): number {
  const mode = textOf(attributes, 'nearest_mode', 'round_prefer_floor')
  if (mode === 'floor') return Math.floor(place)
  if (mode === 'ceil') return Math.ceil(place)
  return mode === 'round_prefer_ceil' ? Math.floor(place + 0.5) : Math.ceil(place - 0.5)
}

/** Keys' cubic convolution (IEEE Trans. ASSP 29, 1981). */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance)
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0
}
