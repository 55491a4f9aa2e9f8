import {
  abs,
  add,
  and,
  cast,
  cos,
  div,
  equal,
  erf as errorFunction,
  exp,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  log,
  mul,
  neg,
  pow,
  sigmoid,
  sign,
  sin,
  softplus,
  sub,
  type Tensor,
  tanh,
  where,
} from '@tp/core'
import { constantData, intOf, textOf } from '@tp/core/expression'
import { type GradientRule, rule, type Step, sumTo, unary } from '../rule.ts'

/** Both operands broadcast; each gets the sum over what it was broadcast along. */
function binary(a: (g: Tensor, step: Step) => Tensor, b: (g: Tensor, step: Step) => Tensor): GradientRule {
  return rule((gradient, step) => [
    step.wants(0) ? sumTo(a(gradient, step), step.input(0)) : undefined,
    step.wants(1) ? sumTo(b(gradient, step), step.input(1)) : undefined,
  ])
}

/** The larger (or smaller) of two gets the gradient; of two that are equal, half of it each. */
function chosen(isChosen: (a: Tensor, b: Tensor) => Tensor): GradientRule {
  const share = (g: Tensor, own: Tensor, other: Tensor): Tensor =>
    where(isChosen(own, other), g, where(equal(own, other), mul(g, 0.5), 0))
  return binary(
    (g, { input }) => share(g, input(0), input(1)),
    (g, { input }) => share(g, input(1), input(0)),
  )
}

const SQRT_HALF = Math.SQRT1_2
/** 1 / √(2π) */
const DENSITY = 0.3989422804014327
const LOG_OF_TWO_OVER_ROOT_PI = Math.log(2 / Math.sqrt(Math.PI))
/** √(2/π), of GELU's approximation by tanh (Hendrycks and Gimpel, arXiv:1606.08415). */
const ROOT = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

function geluSlope(x: Tensor, approximate: string): Tensor {
  if (approximate === 'tanh') {
    const t = tanh(mul(ROOT, add(x, mul(CUBIC, mul(x, mul(x, x))))))
    const inner = mul(ROOT, add(1, mul(3 * CUBIC, mul(x, x))))
    return add(mul(0.5, add(1, t)), mul(mul(0.5, x), mul(sub(1, mul(t, t)), inner)))
  }
  const share = mul(0.5, add(1, errorFunction(mul(x, SQRT_HALF))))
  return add(share, mul(x, mul(DENSITY, exp(mul(-0.5, mul(x, x))))))
}

/** b·x^(b − 1). Squares, of which variances are made, without a power: runtimes are slow at those. */
function powerSlope(x: Tensor, exponent: Tensor): Tensor {
  const known = constantData(exponent)
  if (known?.data.length === 1 && known.data[0] === 2) return mul(x, 2)
  return mul(cast(exponent, x.dtype), pow(x, sub(exponent, 1)))
}

/** With the constants of the node, which are written out when it is read. */
function activation(of: (g: Tensor, x: Tensor, constant: (name: string) => number) => Tensor): GradientRule {
  return rule((gradient, { input, attributes }) => [
    of(gradient, input(0), (name) => intOf(attributes, name, Number.NaN)),
  ])
}

/** Of α·(eˣ − 1) below 0, and of x above. */
function exponential(g: Tensor, x: Tensor, alpha: number): Tensor {
  return where(less(x, 0), mul(g, mul(exp(x), alpha)), g)
}

/** Steps: their slope is 0 wherever they have one. */
const flat: GradientRule = () => [undefined]

export const elementwiseRules: Readonly<Record<string, GradientRule>> = {
  Add: binary(
    (g) => g,
    (g) => g,
  ),
  Sum: binary(
    (g) => g,
    (g) => g,
  ),
  Sub: binary((g) => g, neg),
  Mul: binary(
    (g, { input }) => mul(g, input(1)),
    (g, { input }) => mul(g, input(0)),
  ),
  Div: binary(
    (g, { input }) => div(g, input(1)),
    (g, { input, output }) => neg(div(mul(g, output(0)), input(1))),
  ),
  Pow: binary(
    (g, { input }) => mul(g, powerSlope(input(0), input(1))),
    (g, { input, output }) => mul(g, mul(output(0), log(input(0)))),
  ),
  // x − y·⌊x / y⌉, towards 0
  Mod: binary(
    (g) => g,
    (g, { input, output }) => mul(g, div(sub(output(0), input(0)), input(1))),
  ),
  PRelu: binary(
    (g, { input }) => where(less(input(0), 0), mul(g, input(1)), g),
    (g, { input }) => where(less(input(0), 0), mul(g, input(0)), 0),
  ),
  Max: chosen(greater),
  Min: chosen(less),
  Where: rule((gradient, step) => {
    const part = (index: number, own: Tensor): Tensor | undefined =>
      step.wants(index) ? sumTo(own, step.input(index)) : undefined
    const condition = step.input(0)
    return [undefined, part(1, where(condition, gradient, 0)), part(2, where(condition, 0, gradient))]
  }),
  Clip: rule((gradient, step) => {
    const [x, low, high] = [step.input(0), step.inputs[1], step.inputs[2]]
    const above = low && greaterOrEqual(x, low)
    const below = high && lessOrEqual(x, high)
    const inside = above && below ? and(above, below) : (above ?? below)
    const outside = (isOutside: Tensor, bound: Tensor): Tensor => sumTo(where(isOutside, gradient, 0), bound)
    return [
      inside === undefined ? gradient : where(inside, gradient, 0),
      step.wants(1) && low ? outside(less(x, low), low) : undefined,
      step.wants(2) && high ? outside(greater(x, high), high) : undefined,
    ]
  }),
  Cast: rule((gradient, { input }) => [
    input(0).dtype.startsWith('float') ? cast(gradient, input(0).dtype) : undefined,
  ]),
  CastLike: rule((gradient, { input }) => [
    input(0).dtype.startsWith('float') ? cast(gradient, input(0).dtype) : undefined,
  ]),
  Identity: unary((g) => g),
  Dropout: unary((g) => g), // as at inference, where it does nothing
  Neg: unary(neg),
  Abs: unary((g, x) => mul(g, sign(x))),
  Exp: unary((g, _, y) => mul(g, y)),
  Log: unary((g, x) => div(g, x)),
  Sqrt: unary((g, _, y) => div(mul(g, 0.5), y)),
  Reciprocal: unary((g, _, y) => neg(mul(g, mul(y, y)))),
  // 2/√π · exp(−x²) in one pass over the elements less
  Erf: unary((g, x) => mul(g, exp(sub(LOG_OF_TWO_OVER_ROOT_PI, mul(x, x))))),
  Tanh: unary((g, _, y) => mul(g, sub(1, mul(y, y)))),
  Sigmoid: unary((g, _, y) => mul(g, mul(y, sub(1, y)))),
  Relu: unary((g, x) => where(greater(x, 0), g, 0)),
  LeakyRelu: activation((g, x, constant) => where(less(x, 0), mul(g, constant('alpha')), g)),
  Elu: activation((g, x, constant) => exponential(g, x, constant('alpha'))),
  Celu: activation((g, x, constant) => where(less(x, 0), mul(g, exp(div(x, constant('alpha')))), g)),
  Selu: activation((g, x, constant) => mul(exponential(g, x, constant('alpha')), constant('gamma'))),
  HardSigmoid: activation((g, x, constant) => {
    const y = add(mul(x, constant('alpha')), constant('beta'))
    return where(and(greater(y, 0), less(y, 1)), mul(g, constant('alpha')), 0)
  }),
  HardSwish: activation((g, x) => {
    const between = mul(g, add(mul(x, 1 / 3), 0.5))
    return where(less(x, -3), 0, where(greater(x, 3), g, between))
  }),
  Mish: activation((g, x) => {
    const t = tanh(softplus(x))
    return mul(g, add(t, mul(mul(x, sigmoid(x)), sub(1, mul(t, t)))))
  }),
  Softplus: unary((g, x) => mul(g, sigmoid(x))),
  Softsign: unary((g, x) => {
    const size = add(1, abs(x))
    return div(g, mul(size, size))
  }),
  Swish: activation((g, x, constant) => {
    const scaled = mul(x, constant('alpha'))
    const share = sigmoid(scaled)
    return mul(g, add(share, mul(scaled, mul(share, sub(1, share)))))
  }),
  ThresholdedRelu: activation((g, x, constant) => where(greater(x, constant('alpha')), g, 0)),
  Sin: unary((g, x) => mul(g, cos(x))),
  Cos: unary((g, x) => neg(mul(g, sin(x)))),
  Gelu: rule((gradient, { input, attributes }) => [
    mul(gradient, geluSlope(input(0), textOf(attributes, 'approximate', 'none'))),
  ]),
  Ceil: flat,
  Floor: flat,
  Round: flat,
  Sign: flat,
  StopGradient: flat,
}
