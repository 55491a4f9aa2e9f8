import type { Op } from '../expression/tensor.ts'
import { ShapeProblem } from '../expression/tensor.ts'
import { at, mapped } from './kernels.ts'
import { intOf, isFloat, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

interface Activation {
  readonly since?: number
  /** Attributes and what they are where a file omits them. */
  readonly defaults: Readonly<Record<string, number>>
  readonly each: (x: number, constants: readonly number[]) => number
}

/** Activations with constants, or that came late; the others are in `unary.ts`. */
const activations: Readonly<Record<string, Activation>> = {
  /** x, or α·x below 0 */
  LeakyRelu: { defaults: { alpha: 0.01 }, each: (x, [alpha = 0]) => (x < 0 ? alpha * x : x) },
  /** x, or α·(eˣ − 1) below 0 (Clevert et al., arXiv:1511.07289) */
  Elu: { defaults: { alpha: 1 }, each: (x, [alpha = 0]) => (x < 0 ? alpha * Math.expm1(x) : x) },
  /** x, or α·(e^(x/α) − 1) below 0 (Barron, arXiv:1704.07483) */
  Celu: { since: 12, defaults: { alpha: 1 }, each: (x, [alpha = 1]) => (x < 0 ? alpha * Math.expm1(x / alpha) : x) },
  /** γ·x, or γ·α·(eˣ − 1) below 0 (Klambauer et al., arXiv:1706.02515) */
  Selu: {
    defaults: { alpha: 1.6732631921768188, gamma: 1.0507010221481323 },
    each: (x, [alpha = 0, gamma = 0]) => gamma * (x <= 0 ? alpha * Math.expm1(x) : x),
  },
  /** α·x + β, between 0 and 1 */
  HardSigmoid: {
    defaults: { alpha: 0.2, beta: 0.5 },
    each: (x, [alpha = 0, beta = 0]) => Math.max(0, Math.min(1, alpha * x + beta)),
  },
  /** x times x/6 + 1/2, that between 0 and 1 (Howard et al., arXiv:1905.02244) */
  HardSwish: { since: 14, defaults: {}, each: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)) },
  /** x·tanh(ln(1 + eˣ)) (Misra, arXiv:1908.08681) */
  Mish: {
    since: 18,
    defaults: {},
    each: (x) => x * Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  },
  /** x / (1 + |x|) */
  Softsign: { defaults: {}, each: (x) => x / (1 + Math.abs(x)) },
  /** x / (1 + e^(−α·x)) (Ramachandran et al., arXiv:1710.05941) */
  Swish: { since: 24, defaults: { alpha: 1 }, each: (x, [alpha = 1]) => x / (1 + Math.exp(-alpha * x)) },
  /** x where it is more than α, else 0 */
  ThresholdedRelu: { since: 10, defaults: { alpha: 1 }, each: (x, [alpha = 1]) => (x > alpha ? x : 0) },
}

function define(name: string, { since, defaults, each }: Activation): Op {
  const names = Object.keys(defaults)
  return {
    name,
    ...(since !== undefined && { since }),
    infer(inputs) {
      const x = operand(inputs, 0)
      if (!isFloat(x.dtype)) throw new ShapeProblem(`does not take ${x.dtype}`)
      return [{ dtype: x.dtype, dims: dimsOf(x) }]
    },
    run(inputs, attributes, context) {
      const x = at(inputs, 0)
      const constants = names.map((constant) => intOf(attributes, constant, defaults[constant] as number))
      return [mapped(x, x.dtype, (element) => each(element, constants), context)]
    },
    read: ({ inputs, attributes }) => ({
      inputs,
      attributes: Object.fromEntries(
        names.map((constant) => [constant, intOf(attributes, constant, defaults[constant] as number)]),
      ),
    }),
  }
}

export const activationOps: ReadonlyMap<string, Op> = new Map(
  Object.entries(activations).map(([name, activation]) => [name, define(name, activation)]),
)
