import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import { addDims, type Dim, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { constant, constantData, ints } from './constant.ts'
import { at, numbers } from './kernels.ts'
import { frontAxes, intOf, intsOf, numbersOf, operand, textOf } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { stridesOf } from './strides.ts'

/** More elements before and after axes (input `pads`: all starts, then all ends; negative: fewer). */
export const Pad: Op = {
  name: 'Pad',
  infer(inputs) {
    const x = operand(inputs, 0)
    const pads = operand(inputs, 1)
    const dims = dimsOf(x)
    if (dims === undefined) return [{ dtype: x.dtype, dims: undefined }]
    const { value } = pads
    if (value !== undefined && value.length !== 2 * dims.length) {
      throw new ShapeProblem(`${value.length} pads for ${dims.length} axes`)
    }
    const padded = (dim: Dim, axis: number): Dim =>
      value === undefined ? unknownDim() : addDims(dim, addDims(value[axis] as Dim, value[axis + dims.length] as Dim))
    return [{ dtype: x.dtype, dims: dims.map(padded) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const pads = numbers(at(inputs, 1))
    const dims = x.dims.map((dim, axis) => dim + (pads[axis] as number) + (pads[axis + x.dims.length] as number))
    const result = context.zeros(x.dtype, dims)
    const mode = textOf(attributes, 'mode', 'constant')
    const filler = inputs[2]?.data[0] ?? 0
    const sources = dims.map((dim, axis) =>
      Array.from({ length: dim }, (_, i) => sourceOf(i - (pads[axis] as number), x.dims[axis] as number, mode)),
    )
    const strides = stridesOf(x.dims)
    const places = stridesOf(dims)
    for (let i = 0; i < sizeOf(dims); i++) {
      let position = 0
      for (let axis = 0; axis < dims.length && position >= 0; axis++) {
        const place = Math.floor(i / (places[axis] as number)) % (dims[axis] as number)
        const source = (sources[axis] as number[])[place] as number
        position = source < 0 ? -1 : position + source * (strides[axis] as number)
      }
      result.data[i] = position < 0 ? filler : (x.data[position] as number)
    }
    return [result]
  },
  write({ inputs: [x, pads, filler], attributes }, opset) {
    const mode = textOf(attributes, 'mode', 'constant')
    if (opset >= 11)
      return { type: 'Pad', inputs: filler === undefined ? [x, pads] : [x, pads, filler], attributes: { mode } }
    return {
      type: 'Pad',
      inputs: [x],
      attributes: { mode, pads: numbersOf(pads), value: constantData(filler)?.data[0] ?? 0 },
    }
  },
  read({ inputs: [x, pads, filler, list], attributes }, opset) {
    if (x === undefined) return undefined
    const mode = textOf(attributes, 'mode', 'constant')
    if (opset < 11) {
      const value = constant(intOf(attributes, 'value', 0), x.dtype)
      return { inputs: [x, ints(intsOf(attributes, 'pads') ?? []), value], attributes: { mode } }
    }
    const axes = list && numbersOf(list)
    if (pads === undefined || (list !== undefined && axes === undefined)) return undefined
    if (axes === undefined) return { inputs: [x, pads, filler], attributes: { mode } }
    // axes exist from 18 only; written out for all axes it is the same in every opset
    const front = frontAxes(axes, x)
    const sizes = numbersOf(pads)
    if (sizes === undefined || !x.hasShape) return undefined
    const all = [...x.dims, ...x.dims].map((_, i) => {
      const at = front.indexOf(i % x.rank)
      return at < 0 ? 0 : (sizes[at + (i < x.rank ? 0 : front.length)] as number)
    })
    return { inputs: [x, ints(all), filler], attributes: { mode } }
  },
}

function sourceOf(place: number, size: number, mode: string): number {
  if (place >= 0 && place < size) return place
  if (mode === 'edge') return place < 0 ? 0 : size - 1
  if (mode === 'wrap') return ((place % size) + size) % size
  if (mode !== 'reflect') return -1
  const period = Math.max(1, 2 * (size - 1))
  const folded = ((place % period) + period) % period
  return folded < size ? folded : period - folded
}

/** Constant elements before and after each axis: `pads` has all starts, then all ends. */
export function pad(x: Tensor, pads: readonly number[], filler = 0): Tensor {
  return applyOne(Pad, [x, ints(pads), constant(filler, x.dtype)], { mode: 'constant' })
}
