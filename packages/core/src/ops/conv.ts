import { sizeOf } from '../array.ts'
import { addDims, type Dim, floorDivideDims } from '../expression/dim.ts'
import type { Op, RawNode } from '../expression/tensor.ts'
import { type Attributes, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { intOf, intsOf, operand, sameType, textOf } from './operands.ts'
import { dimsOf, sameDim, staticDims } from './sizes.ts'
import { stridesOf } from './strides.ts'

/** How a window moves over the spatial axes, all lists of one number per axis but `pads`: starts, then ends. */
export interface ConvWindow {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
}

export function windowOf(attributes: Attributes, kernel: readonly number[]): ConvWindow {
  const ones = kernel.map(() => 1)
  return {
    kernel,
    strides: intsOf(attributes, 'strides') ?? ones,
    dilations: intsOf(attributes, 'dilations') ?? ones,
    pads: intsOf(attributes, 'pads') ?? [...kernel, ...kernel].map(() => 0),
  }
}

/** Sizes of the result's spatial axes. */
export function windowDims(dims: readonly Dim[], window: ConvWindow, ceil = false): Dim[] {
  return dims.map((dim, axis) => {
    const [kernel, stride, dilation] = [window.kernel, window.strides, window.dilations].map(
      (list) => list[axis] as number,
    ) as [number, number, number]
    const padding = (window.pads[axis] as number) + (window.pads[axis + dims.length] as number)
    const room = addDims(dim, padding - dilation * (kernel - 1) - 1 + (ceil ? stride - 1 : 0))
    return addDims(floorDivideDims(room, stride), 1)
  })
}

/** The window attributes of a node that was read, with SAME padding made explicit; undefined if that needs unknown sizes. */
export function readWindow({ attributes }: RawNode, x: Tensor, kernel: readonly number[]): Attributes | undefined {
  const { auto_pad: _, kernel_shape: __, ...rest } = attributes
  const padding = textOf(attributes, 'auto_pad', 'NOTSET')
  const window = windowOf(rest, kernel)
  const { strides, dilations } = window
  if (padding === 'NOTSET') return { ...rest, kernel_shape: kernel, strides, dilations, pads: window.pads }
  const none = [...kernel, ...kernel].map(() => 0)
  if (padding === 'VALID') return { ...rest, kernel_shape: kernel, strides, dilations, pads: none }
  const spatial = staticDims(dimsOf(x)?.slice(2))
  if (spatial === undefined) return undefined
  const totals = spatial.map((size, axis) => {
    const stride = strides[axis] as number
    const reach = (dilations[axis] as number) * ((kernel[axis] as number) - 1) + 1
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size)
  })
  const less = totals.map((total) => Math.floor(total / 2))
  const more = totals.map((total) => Math.ceil(total / 2))
  const pads = padding === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less]
  return { ...rest, kernel_shape: kernel, strides, dilations, pads }
}

/**
 * For every place of the window: the positions inside a channel that it covers, -1 in the padding.
 * Laid out [places, taps].
 */
export function windowPositions(
  spatial: readonly number[],
  result: readonly number[],
  { kernel, strides, dilations, pads }: ConvWindow,
): Int32Array {
  const rowStrides = stridesOf(spatial)
  const places = coordinates(result)
  const taps = coordinates(kernel)
  const positions = new Int32Array(places.length * taps.length)
  let to = 0
  for (const place of places) {
    for (const tap of taps) {
      let position = 0
      for (let axis = 0; axis < spatial.length; axis++) {
        const at =
          (place[axis] as number) * (strides[axis] as number) +
          (tap[axis] as number) * (dilations[axis] as number) -
          (pads[axis] as number)
        if (at < 0 || at >= (spatial[axis] as number)) {
          position = -1
          break
        }
        position += at * (rowStrides[axis] as number)
      }
      positions[to++] = position
    }
  }
  return positions
}

function coordinates(dims: readonly number[]): number[][] {
  const strides = stridesOf(dims)
  return Array.from({ length: sizeOf(dims) }, (_, i) =>
    dims.map((dim, axis) => Math.floor(i / (strides[axis] as number)) % dim),
  )
}

/** Convolution of x [b, c, spatial…] with kernels w [out, c / group, spatial…] and an optional bias [out]. */
export const Conv: Op = {
  name: 'Conv',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const bias = inputs[2]
    const dtype = sameType(x, operand(inputs, 1), ...(bias === undefined ? [] : [bias]))
    return [{ dtype, dims: convDims(x, operand(inputs, 1), attributes) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const w = at(inputs, 1)
    const bias = inputs[2]
    const group = intOf(attributes, 'group', 1)
    const window = windowOf(attributes, w.dims.slice(2))
    const spatial = windowDims(x.dims.slice(2), window) as number[]
    const positions = windowPositions(x.dims.slice(2), spatial, window)
    const [batch, channels] = x.dims as readonly [number, number]
    const outs = w.dims[0] as number
    const inputSize = sizeOf(x.dims.slice(2))
    const places = sizeOf(spatial)
    const taps = sizeOf(window.kernel)
    const perGroup = channels / group
    const result = context.zeros(x.dtype, [batch, outs, ...spatial])
    for (let b = 0; b < batch; b++) {
      for (let out = 0; out < outs; out++) {
        const first = Math.floor(out / (outs / group)) * perGroup
        for (let place = 0; place < places; place++) {
          let sum = bias === undefined ? 0 : (bias.data[out] as number)
          for (let c = 0; c < perGroup; c++) {
            const from = (b * channels + first + c) * inputSize
            const weights = (out * perGroup + c) * taps
            for (let tap = 0; tap < taps; tap++) {
              const position = positions[place * taps + tap] as number
              if (position >= 0) sum += (x.data[from + position] as number) * (w.data[weights + tap] as number)
            }
          }
          result.data[(b * outs + out) * places + place] = sum
        }
      }
    }
    return [result]
  },
  read(raw) {
    const [x, w] = raw.inputs
    const kernel = intsOf(raw.attributes, 'kernel_shape') ?? staticDims(w && dimsOf(w))?.slice(2)
    if (x === undefined || kernel === undefined) return undefined
    const attributes = readWindow(raw, x, kernel)
    return attributes && { inputs: raw.inputs, attributes: { ...attributes, group: intOf(attributes, 'group', 1) } }
  },
}

/** Shape of a convolution's result. */
export function convDims(x: Tensor, w: Tensor, attributes: Attributes): Dim[] | undefined {
  const from = dimsOf(x)
  const kernels = dimsOf(w)
  if (from === undefined || kernels === undefined) return undefined
  if (from.length !== kernels.length) throw new ShapeProblem(`kernels of ${kernels.length} axes over ${from.length}`)
  const kernel = staticDims(kernels.slice(2)) ?? intsOf(attributes, 'kernel_shape')
  if (kernel === undefined) return undefined
  const group = intOf(attributes, 'group', 1)
  const channels = kernels[1]
  if (typeof channels === 'number') sameDim(from[1] as Dim, channels * group)
  return [from[0] as Dim, kernels[0] as Dim, ...windowDims(from.slice(2), windowOf(attributes, kernel))]
}
