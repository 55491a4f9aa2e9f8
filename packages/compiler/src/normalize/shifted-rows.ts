import {
  add,
  axisSize,
  cast,
  div,
  expand,
  gatherElements,
  input,
  range,
  squeeze,
  sub,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { mulDims, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { operators } from '../operators/table.ts'
import { numbersRows } from '../operators/token-position.ts'
import type { Program } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * Reads scores of relative positions by index where they are shifted by reshapes (Transformer-XL, XLNet):
 *
 *   x [b,h,n,2n], a score for each distance → [b,h,2n,n], without its first row → [b,h,n,2n−1] → its first n columns: y [b,h,n,n]
 *   y[i,j] = x[i, n − i + j]
 *
 * The reshapes mix tokens with distances; by index each query's row is its own.
 */
export const readShiftedRows: NormalizePass = {
  name: 'read shifted rows by index',
  run({ program }) {
    const { graph } = program
    const shifts = graph.nodes.flatMap((node) => shiftedRows(program, node) ?? [])
    for (const shift of shifts) graph.replaceAllUses(shift.result, readByDistance(program, shift))
    if (shifts.length === 0) return false
    graph.removeDeadNodes()
    graph.sortTopologically()
    return true
  },
}

interface ShiftedRows {
  /** [b,h,n,2n] */
  readonly scores: string
  /** [b,h,n,n] */
  readonly result: string
  /** The node that takes the first columns: how many there are does not depend on the rows. */
  readonly last: NodeProto
}

/** The shift that a node ends. */
function shiftedRows(program: Program, last: NodeProto): ShiftedRows | undefined {
  const { graph } = program
  const [result = ''] = last.output
  const back = graph.producer(last.input[0] ?? '')
  const cut = back?.opType === 'Reshape' ? graph.producer(back.input[0] as string) : undefined
  const forth = cut?.opType === 'Slice' ? graph.producer(cut.input[0] as string) : undefined
  if (cut === undefined || back === undefined || forth?.opType !== 'Reshape' || graph.isOutput(result)) return undefined
  const scores = forth.input[0] as string
  const tensors = [scores, ...[forth, cut, back, last].map(({ output }) => output[0] as string)].map((name) =>
    program.tensor(name),
  )
  if (tensors.some(({ hasShape }) => !hasShape)) return undefined
  const [batch = 1, heads = 1, count = 1] = (tensors[0] as Tensor).dims
  const distances = mulDims(count, 2)
  const shapes = [
    [count, distances],
    [distances, count],
    [subDims(distances, 1), count],
    [count, subDims(distances, 1)],
    [count, count],
  ]
  const fits = tensors.every(({ dims }, i) => String(dims) === String([batch, heads, ...(shapes[i] as unknown[])]))
  return fits && skipsFirst(program, cut) && takesFirst(program, last) ? { scores, result, last } : undefined
}

/** Of axis 2, by which the sizes say that one row is left out. */
function skipsFirst(program: Program, { input: [, starts = ''] }: NodeProto): boolean {
  return String(program.tensor(starts).value) === '1'
}

/** The first columns, by a slice from 0 on or by the indices 0, 1, 2, … */
function takesFirst(program: Program, { opType, input: [data = '', indices = ''] }: NodeProto): boolean {
  if (opType === 'Slice') return String(program.tensor(indices).value) === '0'
  return opType === 'Gather' && numbersRows({ program, operators }, indices, program.tensor(data).dims[2] ?? 0)
}

function readByDistance(program: Program, { scores, last: { opType, input: operands } }: ShiftedRows): string {
  const value = (name: string): Tensor => input(name, program.tensor(name).dtype, program.tensor(name).dims)
  const x = value(scores)
  const bound = (opType === 'Slice' ? operands[2] : operands[1]) as string
  const columns = value(bound)
  const rows = range(0, squeeze(axisSize(x, 2), [0]))
  const keys = opType === 'Slice' ? range(0, squeeze(cast(columns, 'int64'), [0])) : cast(columns, 'int64')
  // By how many distances there are: of tokens there may be fewer later on.
  const index = add(sub(div(axisSize(x, 3), 2), unsqueeze(rows, [1])), unsqueeze(keys, [0]))
  const repeated = expand(unsqueeze(index, [0, 1]), [axisSize(x, 0), axisSize(x, 1), axisSize(x, 2), axisSize(keys, 0)])
  const [batch = 1, heads = 1, tokens = 1] = x.dims
  const names = new Map([
    [x, scores],
    [columns, bound],
  ])
  return program.write(gatherElements(x, repeated, 3), names, {
    prefix: 'tp/shifted_rows',
    dims: [[batch, heads, tokens, tokens]],
  }).name
}
