import type { DType } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import { addDims, type Dim, mulDims, subDims } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { cast } from './cast.ts'
import { asTensor, type Operand } from './constant.ts'
import {
  bothTrue,
  isEqual,
  isGreater,
  larger,
  mapContents,
  negated,
  quotientOf,
  remainderOf,
  smaller,
} from './contents.ts'
import { at, combined } from './kernels.ts'
import { intOf, isFloat, operand, sameType } from './operands.ts'
import { broadcastOf } from './sizes.ts'
import { isNotNumber, not } from './unary.ts'
import { where } from './where.ts'

type BinaryRule = {
  readonly since?: number
  readonly takes: 'number' | 'bool' | 'any'
  readonly gives: 'same' | 'bool'
  readonly each: (a: number, b: number) => number
  readonly contents?: (a: Dim, b: Dim) => Dim
  /** In other ops, where the opset lacks it. */
  readonly expand?: (a: Tensor, b: Tensor, opset: number) => Tensor | undefined
}

const rules = {
  Add: { takes: 'number', gives: 'same', each: (a, b) => a + b, contents: addDims },
  Sum: { since: 8, takes: 'number', gives: 'same', each: (a, b) => a + b },
  Sub: { takes: 'number', gives: 'same', each: (a, b) => a - b, contents: subDims },
  Mul: { takes: 'number', gives: 'same', each: (a, b) => a * b, contents: mulDims },
  Div: { takes: 'number', gives: 'same', each: (a, b) => a / b, contents: quotientOf },
  Max: {
    since: 8,
    takes: 'number',
    gives: 'same',
    each: Math.max,
    contents: larger,
    // for integers only since 12
    expand: (a, b, opset) => (opset < 12 && !isFloat(a.dtype) ? where(greater(a, b), a, b) : undefined),
  },
  Min: {
    since: 8,
    takes: 'number',
    gives: 'same',
    each: Math.min,
    contents: smaller,
    expand: (a, b, opset) => (opset < 12 && !isFloat(a.dtype) ? where(less(a, b), a, b) : undefined),
  },
  And: { takes: 'bool', gives: 'bool', each: (a, b) => a * b, contents: bothTrue },
  Or: {
    takes: 'bool',
    gives: 'bool',
    each: Math.max,
    contents: (a, b) => negated(bothTrue(negated(a), negated(b))),
  },
  Xor: { takes: 'bool', gives: 'bool', each: (a, b) => Math.abs(a - b), contents: (a, b) => negated(isEqual(a, b)) },
  Equal: {
    takes: 'any',
    gives: 'bool',
    each: (a, b) => (a === b ? 1 : 0),
    contents: isEqual,
    // of floats only since 11; NaN is neither less nor greater than anything
    expand: (a, b, opset) =>
      opset < 11 && isFloat(a.dtype)
        ? not(or(or(less(a, b), greater(a, b)), or(isNotNumber(a), isNotNumber(b))))
        : undefined,
  },
  Greater: {
    takes: 'number',
    gives: 'bool',
    each: (a, b) => (a > b ? 1 : 0),
    contents: isGreater,
    expand: (a, b, opset) => asDoubles(greater, a, b, opset),
  },
  Less: {
    takes: 'number',
    gives: 'bool',
    each: (a, b) => (a < b ? 1 : 0),
    contents: (a, b) => isGreater(b, a),
    expand: (a, b, opset) => asDoubles(less, a, b, opset),
  },
  GreaterOrEqual: {
    since: 12,
    takes: 'number',
    gives: 'bool',
    each: (a, b) => (a >= b ? 1 : 0),
    contents: (a, b) => negated(isGreater(b, a)),
    // not "not less": that would call NaN greater
    expand: (a, b, opset) => (opset < 12 ? atLeast(a, b) : undefined),
  },
  LessOrEqual: {
    since: 12,
    takes: 'number',
    gives: 'bool',
    each: (a, b) => (a <= b ? 1 : 0),
    contents: (a, b) => negated(isGreater(a, b)),
    expand: (a, b, opset) => (opset < 12 ? atLeast(b, a) : undefined),
  },
} as const satisfies Record<string, BinaryRule>

function atLeast(a: Tensor, b: Tensor): Tensor {
  return isFloat(a.dtype) ? or(greater(a, b), equal(a, b)) : not(less(a, b))
}

// Integers are compared only since 9; doubles hold them up to 2^53.
function asDoubles(compare: Binary, a: Tensor, b: Tensor, opset: number): Tensor | undefined {
  return opset < 9 && !isFloat(a.dtype) ? compare(cast(a, 'float64'), cast(b, 'float64')) : undefined
}

function define(name: string, rule: BinaryRule): Op {
  const { expand, contents } = rule
  return {
    name,
    ...(rule.since === undefined ? {} : { since: rule.since }),
    infer(inputs) {
      const a = operand(inputs, 0)
      const b = operand(inputs, 1)
      const dtype = sameType(a, b)
      if (rule.takes !== 'any' && (dtype === 'bool') !== (rule.takes === 'bool')) {
        throw new ShapeProblem(`does not take ${dtype}`)
      }
      const dims = broadcastOf([a, b])
      const value = contents === undefined || isFloat(dtype) ? undefined : mapContents([a, b], dims, contents)
      return [{ dtype: rule.gives === 'same' ? dtype : 'bool', dims, value }]
    },
    run(inputs, _, context) {
      const a = at(inputs, 0)
      const dtype: DType = rule.gives === 'same' ? a.dtype : 'bool'
      const whole = name === 'Div' && !isFloat(a.dtype)
      return [combined(a, at(inputs, 1), dtype, whole ? (x, y) => Math.trunc(x / y) : rule.each, context)]
    },
    ...(expand === undefined
      ? {}
      : {
          expand({ inputs: [a, b] }, opset) {
            const result = expand(a as Tensor, b as Tensor, opset)
            return result && [result]
          },
        }),
    ...(name === 'Max' || name === 'Min' || name === 'Sum'
      ? {
          // variadic in ONNX, a chain of two here
          read({ inputs }) {
            const [first, ...rest] = inputs as readonly Tensor[]
            if (first === undefined) return undefined
            if (rest.length === 0) return name === 'Sum' ? undefined : { inputs: [first, first], attributes: {} }
            const op = binaryOps.get(name) as Op
            const last = rest.pop() as Tensor
            return { inputs: [rest.reduce((a, b) => applyOne(op, [a, b]), first), last], attributes: {} }
          },
        }
      : {}),
  }
}

/** Remainder: of integers with the sign of the divisor, of floats (`fmod` 1) with that of the dividend. */
const Mod: Op = {
  name: 'Mod',
  since: 10,
  infer(inputs, attributes) {
    const a = operand(inputs, 0)
    const b = operand(inputs, 1)
    const dtype = sameType(a, b)
    const truncated = intOf(attributes, 'fmod', 0) === 1
    if (isFloat(dtype) && !truncated) throw new ShapeProblem('of floats needs fmod 1')
    const dims = broadcastOf([a, b])
    const value = isFloat(dtype) || truncated ? undefined : mapContents([a, b], dims, remainderOf)
    return [{ dtype, dims, value }]
  },
  run(inputs, attributes, context) {
    const a = at(inputs, 0)
    const each =
      intOf(attributes, 'fmod', 0) === 1
        ? (x: number, y: number) => x % y
        : (x: number, y: number) => x - y * Math.floor(x / y)
    return [combined(a, at(inputs, 1), a.dtype, each, context)]
  },
}

/** Power; the exponent may be of another type than the base (from opset 12). */
const Pow: Op = {
  name: 'Pow',
  infer(inputs) {
    const base = operand(inputs, 0)
    return [{ dtype: base.dtype, dims: broadcastOf([base, operand(inputs, 1)]) }]
  },
  run(inputs, _, context) {
    const base = at(inputs, 0)
    const each = isFloat(base.dtype) ? Math.pow : (x: number, y: number) => Math.trunc(x ** y)
    return [combined(base, at(inputs, 1), base.dtype, each, context)]
  },
  expand({ inputs }, opset) {
    const [base, exponent] = inputs as readonly [Tensor, Tensor]
    return opset < 12 && base.dtype !== exponent.dtype ? [pow(base, cast(exponent, base.dtype))] : undefined
  },
}

/** x where it is positive, slope · x elsewhere. */
const PRelu: Op = {
  name: 'PRelu',
  infer(inputs) {
    const x = operand(inputs, 0)
    const slope = operand(inputs, 1)
    return [{ dtype: sameType(x, slope), dims: broadcastOf([x, slope]) }]
  },
  run(inputs, _, context) {
    const x = at(inputs, 0)
    return [combined(x, at(inputs, 1), x.dtype, (value, slope) => (value < 0 ? value * slope : value), context)]
  },
}

/** Ops of two operands, elementwise with broadcasting. */
export const binaryOps: ReadonlyMap<string, Op> = new Map<string, Op>([
  ...Object.entries<BinaryRule>(rules).map(([name, rule]): [string, Op] => [name, define(name, rule)]),
  ['Mod', Mod],
  ['Pow', Pow],
  ['PRelu', PRelu],
])

/** Either operand may be a plain number, not both. */
export type Binary = (a: Operand, b: Operand) => Tensor

function builder(name: string): Binary {
  const op = binaryOps.get(name) as Op
  return (a, b) => {
    const like = typeof a === 'number' ? (typeof b === 'number' ? 'float32' : b.dtype) : a.dtype
    return applyOne(op, [asTensor(a, like), asTensor(b, like)])
  }
}

export const add: Binary = builder('Add')
export const sub: Binary = builder('Sub')
export const mul: Binary = builder('Mul')
export const div: Binary = builder('Div')
export const pow: Binary = builder('Pow')
/** Remainder of integers, with the sign of the divisor. */
export const mod: Binary = builder('Mod')
export const maximum: Binary = builder('Max')
export const minimum: Binary = builder('Min')
export const and: Binary = builder('And')
export const or: Binary = builder('Or')
export const xor: Binary = builder('Xor')
export const equal: Binary = builder('Equal')
export const greater: Binary = builder('Greater')
export const less: Binary = builder('Less')
export const greaterOrEqual: Binary = builder('GreaterOrEqual')
export const lessOrEqual: Binary = builder('LessOrEqual')
