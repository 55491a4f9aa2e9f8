import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { fits, inputsOf } from './node-inputs.ts'
import { alignOperand } from './operands.ts'
import type { NodeView, Operator, OperatorEntries, Repair, RowAxis, RowRule, UpstreamRule } from './operator.ts'
import { limitWhole } from './whole-sizes.ts'

/** Steps of a quantized graph between two operators: they round, and change nothing else. */
export const quantisingOps: readonly string[] = ['QuantizeLinear', 'DequantizeLinear']

/** The axis of an operand that meets axis `axis` of the result, if it counts tokens. */
export function aligned({ output, isTokens }: NodeView, x: Tensor | undefined, axis: number): RowAxis {
  if (x === undefined) return undefined
  const own = axis - (output.rank - x.rank)
  const dim = x.dims[own]
  return dim !== undefined && isTokens(dim) ? own : undefined
}

/** Operands are aligned from the last axis; one that still has all tokens is made to follow. */
const alignOperands: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const rank = inputs.reduce((most, x) => Math.max(most, x?.rank ?? 0), 0)
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank)
  return inputs
}

const alignedRows: RowRule = (view, axis) => view.inputs.map((x) => aligned(view, x, axis))

const alignedOperands: UpstreamRule = ({ inputs, output }, axes) =>
  inputs.flatMap((x, index) => {
    const own = axes.map((axis) => axis - output.rank + (x?.rank ?? 0)).filter((axis) => isWide(x?.dims[axis]))
    return own.length > 0 ? [{ index, axes: own }] : []
  })

export function isWide(dim: Dim | undefined): boolean {
  return dim !== undefined && dim !== 1
}

const broadcasting: Operator = {
  elementwise: 'broadcasting',
  rows: alignedRows,
  repair: alignOperands,
  upstream: alignedOperands,
}

const pointwise: Operator = {
  elementwise: 'pointwise',
  rows: ({ inputs }, axis) => inputs.map((_, i) => (i === 0 ? axis : undefined)),
  repair: fits,
  upstream: (_, axes) => [{ index: 0, axes }],
}

/** f(0) = 0 */
const pointwiseThroughZero: Operator = { ...pointwise, zeroFrom: 'first' }

/** The smaller of values; of the number of tokens and another one, see `limitWhole`. */
const smaller: Repair = (flow, node) => limitWhole(flow, node, inputsOf(flow, node)) ?? alignOperands(flow, node)

/** Operators on each element by itself. */
export const elementwise: OperatorEntries = {
  Add: { ...broadcasting, zeroFrom: 'all' },
  Sub: { ...broadcasting, zeroFrom: 'all' },
  Mul: { ...broadcasting, zeroFrom: 'any' },
  Div: { ...broadcasting, zeroFrom: 'first', singular: 1 },
  Pow: { ...broadcasting, singular: 0 },
  Mod: { ...broadcasting, singular: 1 },
  Min: { ...broadcasting, repair: smaller, zeroFrom: 'all' },
  Max: { ...broadcasting, zeroFrom: 'all' },
  And: broadcasting,
  Or: broadcasting,
  Xor: broadcasting,
  Equal: broadcasting,
  Less: broadcasting,
  LessOrEqual: broadcasting,
  Greater: broadcasting,
  GreaterOrEqual: broadcasting,
  Where: broadcasting,
  PRelu: { ...broadcasting, zeroFrom: 'first' },
  'com.microsoft.BiasGelu': broadcasting,
  'com.microsoft.FastGelu': broadcasting,

  Neg: pointwiseThroughZero,
  Abs: pointwiseThroughZero,
  Sqrt: pointwiseThroughZero,
  Exp: pointwise,
  Log: { ...pointwise, singular: 0 },
  Erf: pointwiseThroughZero,
  Tanh: pointwiseThroughZero,
  Sigmoid: pointwise,
  Relu: pointwiseThroughZero,
  LeakyRelu: pointwiseThroughZero,
  Elu: pointwiseThroughZero,
  Selu: pointwiseThroughZero,
  HardSigmoid: pointwise,
  HardSwish: pointwiseThroughZero,
  Mish: pointwiseThroughZero,
  Sin: pointwiseThroughZero,
  Cos: pointwise,
  Ceil: pointwiseThroughZero,
  Floor: pointwiseThroughZero,
  Round: pointwiseThroughZero,
  Sign: pointwiseThroughZero,
  Not: pointwise,
  Reciprocal: { ...pointwise, singular: 0 },
  Identity: pointwiseThroughZero,
  Gelu: pointwiseThroughZero,
  Softplus: pointwise,
  Clip: pointwise,
  Cast: pointwiseThroughZero,
  CastLike: pointwiseThroughZero,
  Dropout: pointwiseThroughZero,
  IsNaN: pointwise,
  IsInf: pointwise,
  QuantizeLinear: pointwise,
  DequantizeLinear: { ...pointwise, isQuantized: true },
  DynamicQuantizeLinear: pointwise,
  'com.microsoft.Gelu': pointwiseThroughZero,
  'com.microsoft.QuickGelu': pointwiseThroughZero,
}
