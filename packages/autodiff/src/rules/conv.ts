import { matmul, pad, reshape, slice, sum, swapLast, type Tensor, transpose } from '@tp/core'
import { type Attributes, intOf, intsOf } from '@tp/core/expression'
import { type GradientRule, NoGradient, range, rule, sizesOf } from '../rule.ts'
import { fold, type SlidingWindow, unfold } from './window.ts'

/**
 * A convolution is a product of its kernels with the patches under them: y[b, o, places] = W[o, c·taps] · patches, group by
 * group. So dW = dy · patchesᵀ, and dx puts Wᵀ · dy back where the patches came from.
 */
const convRule: GradientRule = rule((gradient, step) => {
  const form = formOf(step.input(0), step.input(1), step.attributes)
  return [
    step.wants(0) ? ofInput(gradient, step.input(1), form) : undefined,
    step.wants(1) ? ofWeight(gradient, step.input(1), form) : undefined,
    step.wants(2) ? sum(gradient, [0, ...range(gradient.rank).slice(2)]) : undefined,
  ]
})

interface ConvForm {
  readonly group: number
  readonly windows: readonly SlidingWindow[]
  /** Starts of all axes, then ends. */
  readonly pads: readonly number[]
  readonly x: Tensor
  readonly padded: Tensor
}

function formOf(x: Tensor, weight: Tensor, attributes: Attributes): ConvForm {
  const kernel = weight.dims.slice(2)
  if (!kernel.every((size) => typeof size === 'number')) throw new NoGradient('the size of its kernels is not known')
  const ones = kernel.map(() => 1)
  const strides = intsOf(attributes, 'strides') ?? ones
  const dilations = intsOf(attributes, 'dilations') ?? ones
  const own = intsOf(attributes, 'pads') ?? [...ones, ...ones].map(() => 0)
  const pads = [0, 0, ...own.slice(0, kernel.length), 0, 0, ...own.slice(kernel.length)]
  return {
    group: intOf(attributes, 'group', 1),
    windows: kernel.map((size, i) => ({
      kernel: size,
      stride: strides[i] as number,
      dilation: dilations[i] as number,
    })),
    pads,
    x,
    padded: pads.some((count) => count > 0) ? pad(x, pads) : x,
  }
}

/** x before its axes are taken apart into places and taps, and after each: [b, c, places, taps, places, taps, …]. */
function stages(gradient: Tensor, { padded, windows }: ConvForm): Tensor[] {
  const found = [padded]
  windows.forEach((window, i) => {
    found.push(unfold(found[i] as Tensor, 2 + 2 * i, window, sizesOf(gradient)[2 + i] as number | Tensor))
  })
  return found
}

/** Rows of the gradient: [group, b·places, o / group]. */
function rowsOf(gradient: Tensor, group: number): Tensor {
  const outs = gradient.dims[1] as number
  const moved = transpose(gradient, [1, 0, ...range(gradient.rank).slice(2)])
  return swapLast(reshape(moved, [group, outs / group, -1]))
}

function ofWeight(gradient: Tensor, weight: Tensor, form: ConvForm): Tensor {
  const { group, windows } = form
  const patches = stages(gradient, form).at(-1) as Tensor
  const [places, taps] = halves(windows.length)
  const columns = transpose(patches, [1, ...taps, 0, ...places])
  const perGroup = (weight.dims as readonly number[]).slice(1).reduce((a, b) => a * b, 1)
  const found = matmul(reshape(columns, [group, perGroup, -1]), rowsOf(gradient, group))
  return reshape(swapLast(found), weight.dims)
}

function ofInput(gradient: Tensor, weight: Tensor, form: ConvForm): Tensor {
  const { group, windows, padded, pads, x } = form
  const [outs, channels, ...kernel] = weight.dims as readonly number[] as [number, number, ...number[]]
  const kernels = reshape(weight, [group, outs / group, -1])
  const columns = swapLast(matmul(rowsOf(gradient, group), kernels))
  const sizes = sizesOf(gradient)
  const apart = reshape(columns, [group * channels, ...kernel, sizes[0] as number | Tensor, ...sizes.slice(2)])
  // [c, taps…, b, places…] → [b, c, places, taps, places, taps, …]
  const count = kernel.length
  const order = [1 + count, 0, ...range(count).flatMap((i) => [2 + count + i, 1 + i])]
  const before = stages(gradient, form)
  const whole = windows.reduceRight(
    (pieces, window, i) => fold(pieces, before[i] as Tensor, 2 + 2 * i, window),
    transpose(apart, order),
  )
  if (padded === x) return whole
  return windows.reduce((piece, _, i) => {
    const [start, end] = [pads[2 + i] as number, pads[2 + i + x.rank] as number]
    if (start === 0 && end === 0) return piece
    return slice(piece, { axis: 2 + i, start, ...(end === 0 ? {} : { end: -end }) })
  }, whole)
}

/** Axes of the places and of the taps among those of the patches. */
function halves(count: number): [number[], number[]] {
  return [range(count).map((i) => 2 + 2 * i), range(count).map((i) => 3 + 2 * i)]
}

export const convRules: Readonly<Record<string, GradientRule>> = { Conv: convRule }
