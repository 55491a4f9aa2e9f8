import {
  add,
  cast,
  concat,
  constant,
  expand,
  flatten,
  pad,
  reshape,
  shape as shapeOf,
  splitAxis,
  squeeze,
  sumSquare,
  swapLast,
  type Tensor,
  tile,
  transpose,
  triangle,
  unsqueeze,
} from '@tp/core'
import fc from 'fast-check'
import { axis, broadcasting, type Drawn, ints, op, shape, shaped } from './draw.ts'

const whole = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1)
const each = <T>(dims: readonly number[], of: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(of, { minLength: dims.length, maxLength: dims.length })

/** Where a slice begins and ends, and its step. */
type Bounds = readonly [start: number, end: number, step: number]

/** Up to three axes in any order. */
const slices =
  (bounds: (size: number) => fc.Arbitrary<Bounds>) =>
  (dims: readonly number[]): fc.Arbitrary<(x: Tensor) => Tensor> =>
    fc
      .tuple(
        fc.shuffledSubarray([...dims.keys()], { minLength: 1, maxLength: Math.min(3, dims.length) }),
        fc.tuple(...dims.map(bounds)),
      )
      .map(([axes, all]) => (x) => {
        const list = axes.map((axis) => all[axis] as Bounds)
        const [starts, ends] = [0, 1].map((which) =>
          ints(
            [list.length],
            list.map((own) => own[which] as number),
          ),
        )
        return squares(op('Slice', [x, starts, ends], { axes, steps: list.map(([, , step]) => step) }))
      })

/** Bounds inside an axis, counted from either end. */
const inside = (size: number): fc.Arbitrary<Bounds> =>
  fc
    .tuple(fc.nat(size), fc.nat(size - 1), fc.boolean())
    .map(([end, start, back]) => [Math.min(start, end) - (back ? size : 0), end, 1])

/** Anywhere, with steps and backwards. */
const anywhere = (steps: readonly number[]) => (): fc.Arbitrary<Bounds> =>
  fc.tuple(fc.integer({ min: -6, max: 5 }), fc.integer({ min: -6, max: 5 }), fc.constantFrom(...steps))

/** A slice may be empty, and its size may not be known beforehand. */
const squares = (x: Tensor): Tensor => sumSquare(x, [...x.dims.keys()])

export const layout: readonly Drawn[] = [
  shaped('Reshape', (dims) =>
    fc.constantFrom([-1], [whole(dims), 1], [1, -1, dims[0] as number]).map((to) => (x) => reshape(x, to)),
  ),
  shaped('Flatten', (dims) => axis(dims.length).map((axis) => (x) => flatten(x, axis))),
  shaped('Unsqueeze', (dims) => fc.subarray([...dims.keys()]).map((at) => (x) => unsqueeze(x, at))),
  shaped('Squeeze', (dims) => axis(dims.length).map((axis) => (x) => squeeze(unsqueeze(x, axis), axis))),
  shaped('Transpose', (dims) =>
    fc.shuffledSubarray([...dims.keys()], { minLength: dims.length }).map((order) => (x) => transpose(x, order)),
  ),
  shaped('Transpose', () => fc.constant(swapLast), { form: 'the last two', of: shape(2, 4) }),
  {
    name: 'Expand',
    operation: shape()
      .chain((dims) => fc.tuple(fc.constant(dims), broadcasting(1, fc.constant(dims))))
      .map(([dims, shapes]) => ({ shapes, of: (x) => expand(x, dims), fixed: () => true })),
  },
  {
    name: 'Concat',
    operation: shape()
      .chain((dims) => fc.tuple(fc.constant(dims), axis(dims.length), shape(1, 3)))
      .map(([dims, axis, sizes]) => ({
        shapes: sizes.map((size) => dims.with(axis, size)),
        of: (...parts) => concat(parts, axis),
      })),
  },
  {
    name: 'Split',
    operation: shape()
      .chain((dims) => fc.tuple(fc.constant(dims), axis(dims.length), shape(1, 3)))
      .chain(([dims, axis, sizes]) =>
        fc.subarray([...sizes.keys()], { minLength: 1 }).map((read) => ({
          shapes: [
            dims.with(
              axis,
              sizes.reduce((a, b) => a + b),
            ),
          ],
          // of some parts, in another order
          of: (x) =>
            concat(
              read.toReversed().map((i) => splitAxis(x, sizes, axis)[i] as Tensor),
              axis,
            ),
        })),
      ),
  },
  shaped('Slice', slices(inside)),
  // where the size of an axis is no number, bounds are taken to lie inside
  shaped('Slice', slices(anywhere([1])), { form: 'from and to beyond the ends', fixed: () => true }),
  shaped('Slice', slices(anywhere([1, 2, 3, -1, -2])), { form: 'with steps', fixed: () => true }),
  shaped(
    'Slice',
    slices(() => fc.tuple(fc.nat(1), fc.constant(2 ** 31 - 1), fc.constantFrom(2, 3))),
    { form: 'every other one' },
  ),
  shaped(
    'Slice',
    (dims) =>
      fc.integer({ min: 0, max: (dims[0] as number) - 1 }).map((less) => (x) => {
        // floats have no contents before they are computed
        const start = cast(add(constant([less], 'float32'), 0.5), 'int64')
        return squares(op('Slice', [x, start, shapeOf(x, { end: 1 })], { axes: [0], steps: [1] }))
      }),
    { form: 'from a place that the graph computes' },
  ),
  shaped('Pad', (dims) => each([...dims, ...dims], fc.nat(2)).map((pads) => (x) => pad(x, pads, 3))),
  {
    name: 'Pad',
    form: 'with a constant that learns',
    operation: shape(1, 3)
      .chain((dims) => fc.tuple(fc.constant(dims), each([...dims, ...dims], fc.nat(2))))
      .map(([dims, pads]) => ({
        shapes: [dims, []],
        of: (x, filler) => op('Pad', [x, ints([pads.length], pads), filler], { mode: 'constant' }),
      })),
  },
  shaped('Tile', (dims) => each(dims, fc.integer({ min: 1, max: 3 })).map((repeats) => (x) => tile(x, repeats)), {
    of: shape(1, 3),
  }),
  shaped(
    'Trilu',
    () =>
      fc.tuple(fc.constantFrom('upper', 'lower'), fc.integer({ min: -2, max: 2 })).map(
        ([part, k]) =>
          (x) =>
            triangle(x, part, k),
      ),
    { of: shape(2, 4) },
  ),
]
