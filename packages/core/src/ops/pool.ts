import { sizeOf } from '../array.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { readWindow, windowDims, windowOf, windowPositions } from './conv.ts'
import { at } from './kernels.ts'
import { intOf, intsOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

function define(name: 'MaxPool' | 'AveragePool'): Op {
  return {
    name,
    infer(inputs, attributes) {
      const x = operand(inputs, 0)
      const dims = dimsOf(x)
      if (dims === undefined) return [{ dtype: x.dtype, dims: undefined }]
      const window = windowOf(attributes, intsOf(attributes, 'kernel_shape') ?? [])
      const spatial = windowDims(dims.slice(2), window, intOf(attributes, 'ceil_mode', 0) === 1)
      return [{ dtype: x.dtype, dims: [...(dims.slice(0, 2) as Dim[]), ...spatial] }]
    },
    run(inputs, attributes, context) {
      const x = at(inputs, 0)
      const window = windowOf(attributes, intsOf(attributes, 'kernel_shape') ?? [])
      const spatial = windowDims(x.dims.slice(2), window, intOf(attributes, 'ceil_mode', 0) === 1) as number[]
      const positions = windowPositions(x.dims.slice(2), spatial, window)
      const taps = sizeOf(window.kernel)
      const places = sizeOf(spatial)
      const size = sizeOf(x.dims.slice(2))
      const padding = intOf(attributes, 'count_include_pad', 0) === 1
      const result = context.zeros(x.dtype, [...x.dims.slice(0, 2), ...spatial])
      for (let row = 0; row < sizeOf(x.dims.slice(0, 2)); row++) {
        for (let place = 0; place < places; place++) {
          let top = Number.NEGATIVE_INFINITY
          let sum = 0
          let count = 0
          for (let tap = 0; tap < taps; tap++) {
            const position = positions[place * taps + tap] as number
            if (position < 0) continue
            const element = x.data[row * size + position] as number
            top = Math.max(top, element)
            sum += element
            count += 1
          }
          result.data[row * places + place] = name === 'MaxPool' ? top : sum / (padding ? taps : count)
        }
      }
      return [result]
    },
    read(raw) {
      const [x] = raw.inputs
      const kernel = intsOf(raw.attributes, 'kernel_shape')
      if (x === undefined || kernel === undefined || raw.outputs > 1) return undefined
      const attributes = readWindow(raw, x, kernel)
      return attributes && { inputs: raw.inputs, attributes }
    },
    write({ inputs, attributes }, opset) {
      const { dilations: _, ...others } = attributes
      const knows = opset >= (name === 'MaxPool' ? 10 : 19)
      return { type: name, inputs, attributes: knows ? attributes : others }
    },
  }
}

/** Largest element under a moving window over the spatial axes of x [b, c, spatial…]. */
export const MaxPool: Op = define('MaxPool')
/** Mean under a moving window. */
export const AveragePool: Op = define('AveragePool')

/** How the elements of all spatial axes become one. */
interface Fold {
  readonly start: number
  step(folded: number, element: number): number
  end(folded: number, size: number): number
}

/** One element for all spatial axes, which are kept with size 1. */
function defineGlobal(name: string, { start, step, end }: Fold): Op {
  const pooled = (dim: Dim, axis: number): Dim => (axis < 2 ? dim : 1)
  return {
    name,
    infer(inputs) {
      const x = operand(inputs, 0)
      return [{ dtype: x.dtype, dims: dimsOf(x)?.map(pooled) }]
    },
    run(inputs, _, context) {
      const x = at(inputs, 0)
      const size = sizeOf(x.dims.slice(2))
      const result = context.zeros(x.dtype, x.dims.map(pooled) as number[])
      for (let row = 0; row < result.data.length; row++) {
        let folded = start
        for (let i = row * size; i < (row + 1) * size; i++) folded = step(folded, x.data[i] as number)
        result.data[row] = end(folded, size)
      }
      return [result]
    },
  }
}

/** Largest element of all spatial axes. */
export const GlobalMaxPool: Op = defineGlobal('GlobalMaxPool', {
  start: Number.NEGATIVE_INFINITY,
  step: (top, element) => Math.max(top, element),
  end: (top) => top,
})
/** Mean over all spatial axes. */
export const GlobalAveragePool: Op = defineGlobal('GlobalAveragePool', {
  start: 0,
  step: (sum, element) => sum + element,
  end: (sum, size) => sum / size,
})
