import { constant } from '@tp/core'
import fc from 'fast-check'
import { type Drawn, ints, op, shape, shaped } from './draw.ts'

const upTo = (max: number, min = 1): fc.Arbitrary<number> => fc.integer({ min, max })

/** One or two spatial axes, each with a kernel, a stride, a dilation, padding, and room for at least one place. */
const convolutions = fc
  .array(
    fc.record({
      kernel: upTo(3),
      stride: upTo(3),
      dilation: upTo(2),
      start: fc.nat(2),
      end: fc.nat(2),
      more: fc.nat(3),
    }),
    {
      minLength: 1,
      maxLength: 2,
    },
  )
  .chain((windows) => fc.tuple(fc.constant(windows), upTo(2), upTo(2), upTo(2), upTo(2)))
  .map(([windows, batch, group, ins, outs]) => {
    const sizes = windows.map(({ kernel, dilation, start, end, more }) =>
      Math.max(1, (kernel - 1) * dilation + 1 - start - end + more),
    )
    const kernel_shape = windows.map(({ kernel }) => kernel)
    const attributes = {
      group,
      kernel_shape,
      strides: windows.map(({ stride }) => stride),
      dilations: windows.map(({ dilation }) => dilation),
      pads: [...windows.map(({ start }) => start), ...windows.map(({ end }) => end)],
    }
    return { x: [batch, group * ins, ...sizes], w: [group * outs, ins, ...kernel_shape], attributes }
  })

/** Channels and kernels have numbers. */
const kernels = (operand: number, axis: number): boolean => operand > 0 || axis === 1

const modes = fc.constantFrom(
  { mode: 'nearest', nearest_mode: 'floor' },
  { mode: 'linear' },
  { mode: 'cubic', cubic_coeff_a: -0.75 },
)
const transformations = fc.constantFrom('half_pixel', 'pytorch_half_pixel', 'asymmetric', 'align_corners')

/** Operators that mix elements by fixed positions: convolution, interpolation, Fourier transforms. */
export const mixing: readonly Drawn[] = [
  {
    name: 'Conv',
    operation: convolutions.map(({ x, w, attributes }) => ({
      shapes: [x, w, [w[0] as number]],
      of: (...inputs) => op('Conv', inputs, attributes),
      fixed: kernels,
    })),
  },
  {
    name: 'Conv',
    form: 'patches without a bias',
    operation: fc
      .tuple(upTo(2), upTo(2), upTo(3), upTo(3), upTo(2), fc.nat(1))
      .map(([b, c, out, kernel, places, rest]) => ({
        shapes: [
          [b, c, kernel * places + Math.min(rest, kernel - 1), kernel * places],
          [out, c, kernel, kernel],
        ],
        of: (x, w) =>
          op('Conv', [x, w], {
            group: 1,
            strides: [kernel, kernel],
            dilations: [1, 1],
            pads: [0, 0, 0, 0],
            kernel_shape: [kernel, kernel],
          }),
        fixed: kernels,
      })),
  },
  shaped(
    'Resize',
    () =>
      fc.tuple(modes, transformations, upTo(5), upTo(5)).map(
        ([mode, coordinate_transformation_mode, height, width]) =>
          (x) =>
            op('Resize', [x, undefined, undefined, ints([4], [...x.dims.slice(0, 2), height, width] as number[])], {
              ...mode,
              coordinate_transformation_mode,
            }),
      ),
    { of: shape(4, 4), fixed: () => true },
  ),
  shaped(
    'Resize',
    () =>
      fc.tuple(modes, fc.constantFrom(1, 1.5, 2, 2.25)).map(
        ([mode, factor]) =>
          (x) =>
            op('Resize', [x, undefined, constant([1, 1, factor, 2])], mode),
      ),
    { form: 'by factors', of: shape(4, 4) },
  ),
  ...[0, 1].map((inverse) =>
    shaped(
      'DFT',
      (dims) => fc.nat(dims.length - 2).map((axis) => (x) => op('DFT', [x], { axis, inverse, onesided: 0 })),
      {
        form: inverse === 1 ? 'inverse' : 'forward',
        of: fc.tuple(shape(1, 3), fc.constantFrom(1, 2)).map(([dims, parts]) => [...dims, parts]),
      },
    ),
  ),
]
