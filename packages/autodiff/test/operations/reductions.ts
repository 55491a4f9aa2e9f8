import {
  layerNormalization,
  logSoftmax,
  max,
  mean,
  min,
  mul,
  norm1,
  norm2,
  prod,
  softmax,
  sum,
  sumSquare,
  type Tensor,
} from '@tp/core'
import type { Reduce } from '@tp/core/expression'
import fc from 'fast-check'
import {
  axes,
  axis,
  broadcasting,
  type Domain,
  type Drawn,
  notZero,
  offGrid,
  op,
  positive,
  shape,
  shaped,
} from './draw.ts'

function reduction(name: string, of: Reduce, domain?: Domain): Drawn {
  return shaped(
    name,
    (dims) =>
      fc.tuple(axes(dims.length), fc.boolean()).map(
        ([chosen, keepDims]) =>
          (x) =>
            of(x, chosen, { keepDims }),
      ),
    domain && { domain },
  )
}

/** Of operators that core has no function for. */
const logarithmic =
  (name: string): Reduce =>
  (x, axes, { keepDims = false } = {}) =>
    op(name, [x], { axes: axes as number[], keepdims: keepDims ? 1 : 0 })

const epsilon = fc.constantFrom(1e-1, 1e-2)

/** Scale and bias have the normalized axes, or broadcast to them. */
const normalized = (name: string, parameters: number): Drawn => ({
  name,
  operation: shape(1, 3)
    .chain((dims) => fc.tuple(fc.constant(dims), axis(dims.length), epsilon))
    .chain(([dims, axis, epsilon]) =>
      broadcasting(parameters, fc.constant(dims.slice(axis))).map((own) => ({
        shapes: [dims, ...own],
        of: (...inputs) => op(name, inputs, { axis, epsilon }),
      })),
    ),
})

export const reductions: readonly Drawn[] = [
  reduction('ReduceSum', sum),
  reduction('ReduceMean', mean),
  reduction('ReduceMax', max),
  reduction('ReduceMin', min),
  reduction('ReduceProd', prod, positive),
  reduction('ReduceL1', norm1, offGrid),
  reduction('ReduceL2', norm2, notZero),
  reduction('ReduceSumSquare', sumSquare),
  reduction('ReduceLogSum', logarithmic('ReduceLogSum'), positive),
  reduction('ReduceLogSumExp', logarithmic('ReduceLogSumExp')),
  shaped('ReduceSum', () => fc.constant((x) => op('ReduceSum', [x])), { form: 'over all axes' }),
  shaped('GlobalAveragePool', () => fc.constant((x) => op('GlobalAveragePool', [x])), { of: shape(3, 4) }),
  shaped('GlobalMaxPool', () => fc.constant((x) => op('GlobalMaxPool', [x])), { of: shape(3, 4) }),
  shaped('Softmax', (dims) => axis(dims.length).map((axis) => (x) => softmax(x, axis))),
  shaped('LogSoftmax', (dims) => axis(dims.length).map((axis) => (x) => logSoftmax(x, axis))),
  ...[1, 2].map((p) =>
    shaped(
      'LpNormalization',
      (dims) => axis(dims.length).map((axis) => (x) => op('LpNormalization', [x], { axis, p })),
      {
        domain: p === 1 ? offGrid : notZero,
        form: `p ${p}`,
      },
    ),
  ),
  normalized('LayerNormalization', 2),
  normalized('RMSNormalization', 1),
  normalized('SimplifiedLayerNormalization', 1),
  {
    name: 'LayerNormalization',
    form: 'without a bias',
    operation: fc.tuple(shape(1, 3), epsilon).map(([dims, epsilon]) => ({
      shapes: [dims, dims.slice(-1)],
      of: (x, scale) => layerNormalization(x, scale, undefined, epsilon),
    })),
  },
  {
    name: 'InstanceNormalization',
    operation: fc.tuple(shape(3, 4), epsilon).map(([dims, epsilon]) => ({
      shapes: [dims, [dims[1] as number], [dims[1] as number]],
      of: (...inputs) => op('InstanceNormalization', inputs, { epsilon }),
    })),
  },
  {
    name: 'BatchNormalization',
    operation: fc.tuple(shape(2, 4), epsilon).map(([dims, epsilon]) => ({
      shapes: [dims, ...Array.from({ length: 4 }, () => [dims[1] as number])],
      // variances are not negative
      of: (x, scale, bias, mean, root) =>
        op('BatchNormalization', [x, scale, bias, mean, mul(root as Tensor, root as Tensor)] as Tensor[], { epsilon }),
    })),
  },
]
