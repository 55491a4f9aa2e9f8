import { nodesBelow } from '../expression/nodes-below.ts'
import type { Node, Tensor } from '../expression/tensor.ts'
import { contentsOf } from '../ops/constant.ts'
import { greaterOrEqual, lessOrEqual, maximum, minimum, where } from '../ops/index.ts'
import { isFloat } from '../ops/operands.ts'

/** The values that the host gives to a method: finite as long as the model computes finite numbers. */
export class SiteValues {
  readonly #all = new Set<Tensor>()
  readonly #positive = new Set<Tensor>()

  give(tensor: Tensor): Tensor {
    this.#all.add(tensor)
    return tensor
  }

  /** Examples without real tokens do not matter, so counts are positive, too. */
  givePositive(tensor: Tensor): Tensor {
    this.#positive.add(tensor)
    return this.give(tensor)
  }

  has(tensor: Tensor): boolean {
    return this.#all.has(tensor)
  }

  isPositive(tensor: Tensor): boolean {
    return this.#positive.has(tensor)
  }
}

/** The score that NaN is replaced by: it ranks after every other real token, and before padding. */
const LOWEST = -5e29
/** Infinite scores are clipped to it: they outrank the others, but no protected token. */
const HIGHEST = 5e29

/**
 * float [B,N]: scores that can be sorted. Sorting NaN is undefined in ONNX; here it ranks last, and infinity does not
 * outrank protected tokens. Costs nothing where the expression shows that neither can occur.
 */
export function sortable(score: Tensor, values: SiteValues): Tensor {
  return mayBeNaN(score, values) ? where(greaterOrEqual(score, LOWEST), minimum(score, HIGHEST), LOWEST) : score
}

/** The same for keys of which the lowest come first. */
export function sortableKey(key: Tensor, values: SiteValues): Tensor {
  return mayBeNaN(key, values) ? where(lessOrEqual(key, HIGHEST), maximum(key, LOWEST), HIGHEST) : key
}

/**
 * Whether a method's expression may be NaN or infinite for inputs of moderate size: if it divides by what may be 0, takes a root
 * or logarithm of what may be negative or an exponential, or computes in half precision.
 */
export function mayBeNaN(x: Tensor, values: SiteValues): boolean {
  const facts = new Map<Node, NumberFact>()
  const signOf = ({ node }: Tensor): number => facts.get(node)?.sign ?? ANY
  const factOf = (tensor: Tensor | undefined): NumberFact => {
    if (tensor === undefined) return { finite: true, sign: ANY }
    if (values.has(tensor)) return { finite: true, sign: values.isPositive(tensor) ? POSITIVE : ANY }
    if (!isFloat(tensor.dtype)) return { finite: true, sign: tensor.dtype === 'bool' ? NOT_NEGATIVE : signOf(tensor) }
    return facts.get(tensor.node) ?? UNKNOWN
  }
  for (const node of nodesBelow([x], (tensor) => values.has(tensor))) {
    facts.set(node, factOfNode(node, node.inputs.map(factOf)))
  }
  return !factOf(x).finite
}

/** Holds for all numbers of a node's results. */
interface NumberFact {
  readonly finite: boolean
  readonly sign: number
}

const [ANY, NOT_NEGATIVE, POSITIVE] = [0, 1, 2]
const UNKNOWN: NumberFact = { finite: false, sign: ANY }

function factOfNode(node: Node, inputs: readonly NumberFact[]): NumberFact {
  const { name } = node.op
  if (truths.has(name)) return { finite: true, sign: NOT_NEGATIVE }
  if (name === 'Constant') return factOfConstant(node)
  if (!inputs.every(({ finite }) => finite)) return UNKNOWN
  const [a = UNKNOWN, b = UNKNOWN] = inputs
  // Further inputs of these are sizes, axes and indices.
  if (moves.has(name)) return { finite: true, sign: a.sign }
  if (name === 'Concat' || name === 'Min') return { finite: true, sign: Math.min(...inputs.map(({ sign }) => sign)) }
  if (name === 'Where') return { finite: true, sign: Math.min(b.sign, (inputs[2] ?? UNKNOWN).sign) }
  if (name === 'Cast') return factOfCast(node, a)
  if (node.inputs.some((input) => input?.dtype === 'float16')) return UNKNOWN
  switch (name) {
    case 'Div':
    case 'Mod':
      return b.sign === POSITIVE ? { finite: true, sign: Math.min(a.sign, NOT_NEGATIVE) } : UNKNOWN
    case 'Sqrt':
      return a.sign === ANY ? UNKNOWN : { finite: true, sign: a.sign }
    case 'Log':
      return a.sign === POSITIVE ? { finite: true, sign: ANY } : UNKNOWN
    case 'Max':
      return { finite: true, sign: Math.max(a.sign, b.sign) }
    case 'Add':
      return { finite: true, sign: a.sign === ANY || b.sign === ANY ? ANY : Math.max(a.sign, b.sign) }
    case 'Mul':
      return { finite: true, sign: Math.min(a.sign, b.sign, NOT_NEGATIVE) }
    default:
      if (magnitudes.has(name)) return { finite: true, sign: NOT_NEGATIVE }
      return bounded.has(name) ? { finite: true, sign: ANY } : UNKNOWN
  }
}

/** Single precision has larger numbers than half; rounding to integers may give 0. */
function factOfCast({ attributes: { to } }: Node, { sign }: NumberFact): NumberFact {
  if (to === 'float16') return UNKNOWN
  return { finite: true, sign: to === 'float32' || to === 'float64' ? sign : Math.min(sign, NOT_NEGATIVE) }
}

/** Large constants are weights, which are checked when they are read. */
function factOfConstant({ attributes }: Node): NumberFact {
  const numbers = contentsOf(attributes).data
  if (numbers.length > 4096) return { finite: true, sign: ANY }
  let least = Number.POSITIVE_INFINITY
  for (const x of numbers) {
    if (!Number.isFinite(x)) return UNKNOWN
    least = Math.min(least, x)
  }
  return { finite: true, sign: least > 0 ? POSITIVE : least === 0 ? NOT_NEGATIVE : ANY }
}

/** Their results are booleans or indices, whatever the inputs. */
const truths: ReadonlySet<string> = new Set(
  'And ArgMax ArgMin Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Not Or Shape Size Xor'.split(' '),
)
/** Their results are input numbers, or numbers between them. */
const moves: ReadonlySet<string> = new Set(
  'Assume Expand Flatten Gather GatherElements GatherND Identity ReduceMax ReduceMean ReduceMin ReduceSum Reshape Slice Split Squeeze Tile TopK Transpose Unsqueeze'.split(
    ' ',
  ),
)
const magnitudes: ReadonlySet<string> = new Set('Abs ReduceL1 ReduceL2 ReduceSumSquare Relu Sigmoid Softmax'.split(' '))
/** Of moderate numbers they make moderate numbers. */
const bounded: ReadonlySet<string> = new Set(
  'Ceil Cos CumSum Erf Floor Gelu MatMul Neg Pad Range Round ScatterElements Sign Sin StopGradient Sub Tanh Trilu'.split(
    ' ',
  ),
)
