import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { readAttributes } from '@tp/onnx'
import { sum } from './fused/sum.ts'
import { fits, inputsOf, integerAttribute } from './node-inputs.ts'
import { alignOperand } from './operands.ts'
import type { NodeView, Operator, OperatorEntries, Repair, RowAxis, RowRule, Traits, UpstreamRule } from './operator.ts'
import { limitWhole } from './whole-sizes.ts'

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

const broadcasting = (...traits: Traits): Operator => ({
  traits,
  elementwise: 'broadcasting',
  rows: alignedRows,
  repair: alignOperands,
  upstream: alignedOperands,
})

const pointwise = (...traits: Traits): Operator => ({
  traits,
  elementwise: 'pointwise',
  rows: ({ inputs }, axis) => inputs.map((_, i) => (i === 0 ? axis : undefined)),
  repair: fits,
  upstream: (_, axes) => [{ index: 0, axes }],
})

/** f(0) = 0 */
const throughZero = (...traits: Traits): Operator => ({ ...pointwise(...traits), zeroFrom: 'first' })

/** The smaller of values; of the number of tokens and another one, see `limitWhole`. */
const smaller: Repair = (flow, node) => limitWhole(flow, node, inputsOf(flow, node)) ?? alignOperands(flow, node)

/** The remainder of whole numbers has the sign of the divisor. */
const remainder: Operator['neverNegative'] = (node, operand) => integerAttribute(node, 'fmod', 0) === 0 && operand(1)

const someOperand: Operator['neverNegative'] = ({ input }, operand) => input.some((_, index) => operand(index))

/** Neither limit is negative: with a lower one above the upper, the result is the upper. */
const fromLimits: Operator['neverNegative'] = ({ input: [, least, most] }, operand) =>
  Boolean(least) && operand(1) && (!most || operand(2))

export const LEAST_OF_GELU = -0.17004

/** The least of x·Φ(x) is −0.16997, that of its approximation by tanh −0.17004. */
const leastOfGelu: Operator['least'] = () => LEAST_OF_GELU

/** Of x·sigmoid(alpha·x). */
const leastOfQuickGelu: Operator['least'] = (node) => {
  const { alpha = 1.702 } = readAttributes(node) ?? {}
  return typeof alpha === 'number' && alpha > 0 ? -0.27847 / alpha : undefined
}

/** Operators on each element by itself. */
export const elementwise: OperatorEntries = {
  Add: { ...broadcasting('arithmetic', 'linear', 'sum'), zeroFrom: 'all' },
  Sum: { ...broadcasting('arithmetic', 'linear', 'sum'), zeroFrom: 'all', meaning: sum },
  Sub: { ...broadcasting('arithmetic', 'linear'), zeroFrom: 'all' },
  Mul: { ...broadcasting('arithmetic', 'linear', 'factor'), zeroFrom: 'any', zeroOrOneFrom: 'all' },
  Div: { ...broadcasting('arithmetic', 'linear', 'factor'), zeroFrom: 'first', singular: 1 },
  Pow: { ...broadcasting('arithmetic'), singular: 0 },
  Mod: { ...broadcasting('arithmetic'), singular: 1, neverNegative: remainder },
  Min: { ...broadcasting('arithmetic'), repair: smaller, zeroFrom: 'all', zeroOrOneFrom: 'all' },
  Max: { ...broadcasting('arithmetic'), zeroFrom: 'all', zeroOrOneFrom: 'all', neverNegative: someOperand },

  And: broadcasting('logic'),
  Or: broadcasting('logic'),
  Xor: broadcasting('logic'),
  Equal: broadcasting('logic'),
  Less: broadcasting('logic'),
  LessOrEqual: broadcasting('logic'),
  Greater: broadcasting('logic'),
  GreaterOrEqual: broadcasting('logic'),
  Where: { ...broadcasting('choice', 'linear'), zeroOrOneFrom: 'all' },

  PRelu: { ...broadcasting('activation'), zeroFrom: 'first' },
  'com.microsoft.BiasGelu': { ...broadcasting('activation'), least: leastOfGelu },
  'com.microsoft.FastGelu': { ...broadcasting('activation'), least: leastOfGelu },

  Neg: throughZero('arithmetic', 'linear'),
  Abs: throughZero('arithmetic'),
  Sqrt: throughZero('arithmetic'),
  Reciprocal: { ...pointwise('arithmetic'), singular: 0 },

  Exp: pointwise('function'),
  Log: { ...pointwise('function'), singular: 0 },
  Sin: throughZero('function'),
  Cos: pointwise('function'),
  Ceil: throughZero('function'),
  Floor: throughZero('function'),
  Round: throughZero('function'),
  Sign: throughZero('function'),

  Clip: { ...pointwise('activation'), neverNegative: fromLimits },
  Elu: throughZero('activation'),
  Erf: throughZero('activation'),
  Gelu: { ...throughZero('activation'), least: leastOfGelu },
  Celu: throughZero('activation'),
  HardSigmoid: pointwise('activation'),
  HardSwish: throughZero('activation'),
  LeakyRelu: throughZero('activation'),
  Mish: throughZero('activation'),
  Relu: { ...throughZero('activation'), least: () => 0 },
  Selu: throughZero('activation'),
  Sigmoid: pointwise('activation'),
  Softplus: pointwise('activation'),
  Softsign: throughZero('activation'),
  Swish: throughZero('activation'),
  Tanh: throughZero('activation'),
  ThresholdedRelu: throughZero('activation'),
  'com.microsoft.Gelu': { ...throughZero('activation'), least: leastOfGelu },
  'com.microsoft.QuickGelu': { ...throughZero('activation'), least: leastOfQuickGelu },

  IsInf: pointwise('logic'),
  IsNaN: pointwise('logic'),
  Not: pointwise('logic'),

  Cast: throughZero('same values'),
  CastLike: throughZero('same values'),
  Dropout: throughZero('same values'),
  Identity: throughZero('same values'),

  QuantizeLinear: pointwise('rounded values'),
  DequantizeLinear: pointwise('rounded values', 'quantized'),
  DynamicQuantizeLinear: pointwise('rounded by range', 'range of all'),
}
