import { cumSum, gather, gatherElements, gatherND, scatterElements, scatterND, type Tensor, topK } from '@tp/core'
import fc from 'fast-check'
import type { Operation } from '../central-differences.ts'
import { axis, type Drawn, indices, ints, shape, shaped } from './draw.ts'

const size = (dims: readonly number[], axis: number): number => dims.at(axis) as number

/** Tuples of places along the axes from `batch` on. */
function tuples(dims: readonly number[], batch: number, width: number, count: number): fc.Arbitrary<Tensor> {
  const rows = [...dims.slice(0, batch), count]
  const places = rows.reduce((a, b) => a * b)
  const tuple = fc.tuple(...dims.slice(batch, batch + width).map((dim) => fc.integer({ min: -dim, max: dim - 1 })))
  return fc.array(tuple, { minLength: places, maxLength: places }).map((list) => ints([...rows, width], list.flat()))
}

/** Places along an axis of which none occurs twice: writing to one twice has no order. */
function once(dims: readonly number[], axis: number): fc.Arbitrary<Tensor> {
  const front = axis < 0 ? axis + dims.length : axis
  const other = dims.map((dim, i) => (i === front ? 1 : dim)).reduce((a, b) => a * b, 1)
  const line = fc.shuffledSubarray([...Array(dims[front]).keys()], { minLength: dims[front] as number })
  return fc.array(line, { minLength: other, maxLength: other }).map((lines) => {
    const inner = dims.slice(front + 1).reduce((a, b) => a * b, 1)
    const own = dims[front] as number
    const data = Array.from({ length: other * own }, (_, i) => {
      const line = Math.floor(i / (own * inner)) * inner + (i % inner)
      return lines[line]?.[Math.floor(i / inner) % own] as number
    })
    return ints(dims, data)
  })
}

const scattered = (reduction: 'none' | 'add'): Drawn[] => [
  {
    name: 'ScatterElements',
    form: reduction,
    operation: shape(1, 3)
      .chain((dims) => fc.tuple(fc.constant(dims), axis(dims.length)))
      .chain(([dims, axis]) =>
        (reduction === 'none' ? once(dims, axis) : indices(dims, size(dims, axis), -size(dims, axis))).map(
          (places): Operation => ({
            shapes: [dims, dims],
            of: (x, updates) => scatterElements(x, places, updates, { axis, reduction }),
          }),
        ),
      ),
  },
  {
    name: 'ScatterND',
    form: reduction,
    operation: shape(1, 3)
      .chain((dims) => {
        const first = dims[0] as number
        const rows = [...Array(first).keys()]
        const places =
          reduction === 'none'
            ? fc.shuffledSubarray(rows, { minLength: 1 })
            : fc.array(fc.constantFrom(...rows), { minLength: 1, maxLength: 5 })
        return fc.tuple(fc.constant(dims), places)
      })
      .map(
        ([dims, rows]): Operation => ({
          shapes: [dims, [rows.length, ...dims.slice(1)]],
          of: (x, updates) => scatterND(x, ints([rows.length, 1], rows), updates, { reduction }),
        }),
      ),
  },
]

export const picking: readonly Drawn[] = [
  shaped('Gather', (dims) =>
    fc
      .tuple(axis(dims.length), shape(1, 2))
      .chain(([axis, rows]) => indices(rows, size(dims, axis), -size(dims, axis)).map((places) => ({ axis, places })))
      .map(
        ({ axis, places }) =>
          (x) =>
            gather(x, places, axis),
      ),
  ),
  shaped(
    'Gather',
    (dims) =>
      axis(dims.length)
        .chain((axis) => fc.integer({ min: -size(dims, axis), max: size(dims, axis) - 1 }).map((at) => ({ axis, at })))
        .map(
          ({ axis, at }) =>
            (x) =>
              gather(x, at, axis),
        ),
    { form: 'one place' },
  ),
  shaped('GatherElements', (dims) =>
    fc
      .tuple(axis(dims.length), fc.integer({ min: 1, max: 4 }))
      .chain(([axis, count]) =>
        indices(dims.with(axis, count), size(dims, axis), -size(dims, axis)).map((places) => ({ axis, places })),
      )
      .map(
        ({ axis, places }) =>
          (x) =>
            gatherElements(x, places, axis),
      ),
  ),
  {
    name: 'GatherND',
    operation: shape().chain((dims) =>
      fc
        .nat(dims.length - 1)
        .chain((batch) =>
          fc.tuple(
            fc.constant(batch),
            fc.integer({ min: 1, max: dims.length - batch }),
            fc.integer({ min: 1, max: 3 }),
          ),
        )
        .chain(([batch, width, count]) =>
          tuples(dims, batch, width, count).map((places) => ({
            shapes: [dims],
            of: (x: Tensor) => gatherND(x, places, batch),
            fixed: (_: number, axis: number) => axis < batch,
          })),
        ),
    ),
  },
  ...scattered('none'),
  ...scattered('add'),
  shaped('TopK', (dims) =>
    axis(dims.length)
      .chain((axis) => fc.tuple(fc.constant(axis), fc.integer({ min: 1, max: size(dims, axis) }), fc.boolean()))
      .map(
        ([axis, k, largest]) =>
          (x) =>
            topK(x, k, { axis, largest }).values,
      ),
  ),
  shaped('CumSum', (dims) =>
    fc.tuple(axis(dims.length), fc.boolean(), fc.boolean()).map(
      ([axis, exclusive, reverse]) =>
        (x) =>
          cumSum(x, axis, { exclusive, reverse }),
    ),
  ),
]
