import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import { maxDims, minDims, mulDims } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { mapContents, negated } from './contents.ts'
import { at, mapped } from './kernels.ts'
import { isFloat, operand } from './operands.ts'
import { roundToEven } from './rounding.ts'
import { dimsOf } from './sizes.ts'

type UnaryRule = {
  readonly since?: number
  /** Which element types it takes. */
  readonly of: 'float' | 'number' | 'bool' | 'any'
  readonly each: (x: number) => number
  readonly contents?: (element: Dim) => Dim
}

const rules = {
  Abs: {
    of: 'number',
    each: Math.abs,
    contents: (x) => (typeof x === 'number' ? Math.abs(x) : maxDims(x, mulDims(x, -1))),
  },
  Ceil: { of: 'float', each: Math.ceil },
  Cos: { of: 'float', each: Math.cos },
  Erf: { of: 'float', since: 9, each: errorFunction },
  Exp: { of: 'float', each: Math.exp },
  Floor: { of: 'float', each: Math.floor },
  Identity: { of: 'any', each: (x) => x, contents: (x) => x },
  IsNaN: { of: 'float', since: 9, each: (x) => (Number.isNaN(x) ? 1 : 0) },
  Log: { of: 'float', each: Math.log },
  Neg: { of: 'number', each: (x) => -x, contents: (x) => mulDims(x, -1) },
  Not: { of: 'bool', each: (x) => 1 - x, contents: negated },
  Reciprocal: { of: 'float', each: (x) => 1 / x },
  Relu: { of: 'float', each: (x) => Math.max(x, 0) },
  Round: { of: 'float', since: 11, each: roundToEven },
  Sigmoid: { of: 'float', each: (x) => 1 / (1 + Math.exp(-x)) },
  Sign: {
    of: 'number',
    since: 9,
    each: Math.sign,
    contents: (x) => (typeof x === 'number' ? Math.sign(x) : maxDims(-1, minDims(1, x))),
  },
  Sin: { of: 'float', each: Math.sin },
  // of a large number it is that number: exp would overflow
  Softplus: { of: 'float', each: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) },
  Sqrt: { of: 'float', each: Math.sqrt },
  Tanh: { of: 'float', each: Math.tanh },
} as const satisfies Record<string, UnaryRule>

function define(name: string, rule: UnaryRule): Op {
  return {
    name,
    ...(rule.since === undefined ? {} : { since: rule.since }),
    infer(inputs) {
      const x = operand(inputs, 0)
      const fits =
        rule.of === 'any' ||
        (rule.of === 'bool' ? x.dtype === 'bool' : isFloat(x.dtype) || (rule.of === 'number' && x.dtype !== 'bool'))
      if (!fits) throw new ShapeProblem(`does not take ${x.dtype}`)
      const dims = dimsOf(x)
      const value = rule.contents && mapContents([x], dims, rule.contents)
      return [{ dtype: name === 'IsNaN' ? 'bool' : x.dtype, dims, value }]
    },
    run(inputs, _, context) {
      const x = at(inputs, 0)
      return [mapped(x, name === 'IsNaN' ? 'bool' : x.dtype, rule.each, context)]
    },
  }
}

/** Ops that change each element for itself. */
export const unaryOps: ReadonlyMap<string, Op> = new Map(
  Object.entries<UnaryRule>(rules).map(([name, rule]) => [name, define(name, rule)]),
)

function builder(name: keyof typeof rules): (x: Tensor) => Tensor {
  const op = unaryOps.get(name) as Op
  return (x) => applyOne(op, [x])
}

export const abs: (x: Tensor) => Tensor = builder('Abs')
export const ceil: (x: Tensor) => Tensor = builder('Ceil')
export const cos: (x: Tensor) => Tensor = builder('Cos')
export const erf: (x: Tensor) => Tensor = builder('Erf')
export const exp: (x: Tensor) => Tensor = builder('Exp')
export const floor: (x: Tensor) => Tensor = builder('Floor')
export const identity: (x: Tensor) => Tensor = builder('Identity')
export const isNotNumber: (x: Tensor) => Tensor = builder('IsNaN')
export const log: (x: Tensor) => Tensor = builder('Log')
export const neg: (x: Tensor) => Tensor = builder('Neg')
export const not: (x: Tensor) => Tensor = builder('Not')
export const reciprocal: (x: Tensor) => Tensor = builder('Reciprocal')
export const relu: (x: Tensor) => Tensor = builder('Relu')
export const round: (x: Tensor) => Tensor = builder('Round')
export const sigmoid: (x: Tensor) => Tensor = builder('Sigmoid')
export const sign: (x: Tensor) => Tensor = builder('Sign')
export const sin: (x: Tensor) => Tensor = builder('Sin')
export const softplus: (x: Tensor) => Tensor = builder('Softplus')
export const sqrt: (x: Tensor) => Tensor = builder('Sqrt')
export const tanh: (x: Tensor) => Tensor = builder('Tanh')

/** erf to double precision: Taylor series near 0, continued fraction of erfc (Lentz) further out. */
export function errorFunction(x: number): number {
  const size = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (size > 6) return Math.sign(x)
  if (size < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
      if (n > 100) break
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = size
  for (let k = 60; k >= 1; k--) fraction = size + k / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * fraction))
}
