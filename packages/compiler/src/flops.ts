import { type Method, type Schedule, type Tensor, TpError } from '@tp/core'
import { addDims, type Dim, namesIn, substituteDim } from '@tp/core/expression'
import { cloneModel, type Model } from '@tp/onnx'
import { unfuse } from './normalize/unfuse.ts'
import { operators } from './operators/table.ts'
import { Program, withEqualSizes } from './program/program.ts'
import { keptName, keptNames, readProvenance } from './program/provenance.ts'
import { isRefused } from './program/refusal.ts'
import { requireModel } from './program/require-model.ts'
import { prune } from './transforms/prune.ts'
import { transform } from './transforms/transform.ts'

/** The sizes that FLOPs are counted at. */
export interface Sizes {
  readonly batch: number
  /** Tokens of a text, padding included; images of a fixed size do not need it. */
  readonly tokens?: number
  /** Other free sizes of the model's inputs, by name (`height`). */
  readonly others?: Readonly<Record<string, number>>
  /** Tokens that are kept at each layer, where that depends on the data (threshold, mass, sampling). */
  readonly kept?: Readonly<Record<number, number>>
}

/**
 * Multiply-adds of all matrix products and convolutions of a model at given sizes; what a method adds is counted too.
 * @throws TpError TP_SIZES if a size is missing
 */
export function countFlops(model: Model, sizes: Sizes): number {
  return withEqualSizes(() => evaluate(flopsOf(model), sizes))
}

/** FLOPs of a model as a polynomial in the free sizes of its inputs, to be counted at many sizes. */
interface FlopsFormula {
  readonly total: Dim
  readonly batch: Dim
  readonly tokens: Dim | undefined
}

/** See {@link countFlops}; lifting the graph once serves many sizes. */
export function flopsFormula(model: Model): (sizes: Sizes) => number {
  const formula = withEqualSizes(() => flopsOf(model))
  return (sizes) => evaluate(formula, sizes)
}

function flopsOf(model: Model): FlopsFormula {
  requireModel(model)
  const plain = cloneModel(model)
  const program = new Program(plain)
  const counts = keptNames(readProvenance(model))
  if (unfuse(program) !== undefined || counts.size > 0) program.refresh(counts)
  let total: Dim = 0
  for (const node of program.graph.nodes) {
    const [name] = node.output
    if (name !== undefined && name !== '') total = addDims(total, multiplyAdds(program.tensor(name)))
  }
  const [first] = program.graph.inputs
  const text = program.graph.inputs.find((declared) => declared.dims?.length === 2)
  return {
    total,
    batch: first === undefined ? 1 : (program.tensor(first.name).dims[0] ?? 1),
    tokens: text && program.tensor(text.name).dims[1],
  }
}

/** Multiply-adds of one node; a node of which the sizes are not known has none. */
function multiplyAdds(output: Tensor): Dim {
  const [a, b] = output.node.inputs
  if (output.output !== 0 || !a?.hasShape || !b?.hasShape || !output.hasShape) return 0
  return operators.get(output.node.op.name)?.multiplyAdds?.(output) ?? 0
}

function evaluate({ total, batch, tokens }: FlopsFormula, sizes: Sizes): number {
  const values = new Map<string, number>(Object.entries(sizes.others ?? {}))
  if (typeof batch === 'string') values.set(batch, sizes.batch)
  if (typeof tokens === 'string' && sizes.tokens !== undefined) values.set(tokens, sizes.tokens)
  for (const [layer, kept] of Object.entries(sizes.kept ?? {})) values.set(keptName(layer), kept)
  const flops = substituteDim(total, values)
  if (typeof flops === 'number') return flops
  const names = [...namesIn(flops)].map((name) => name.replace(/^kept'(\d+)$/, 'the tokens kept at layer $1'))
  throw new TpError('TP_SIZES', 'compiler', `FLOPs depend on ${names.join(', ')}; give their sizes`)
}

export interface FlopsTarget {
  readonly method: Method
  /** The encoder whose tokens are pruned, in a file that holds several. */
  readonly encoder?: string
  /** Share of the dense model's FLOPs that the pruned one may take, above 0 and at most 1. */
  readonly share: number
  readonly at: Sizes
  /** The schedule for one keep ratio. */
  readonly schedule: (keep: number) => Schedule
}

/**
 * The highest keep ratio (in steps of 1/10,000) whose graph takes at most the given share of the FLOPs of the model as
 * it is.
 * @throws TpError TP_FLOPS if not even the lowest does
 */
export function keepForFlops(model: Model, { method, encoder, share, at, schedule }: FlopsTarget): number {
  if (!(share > 0 && share <= 1))
    throw new TpError('TP_FLOPS', 'compiler', `the share of FLOPs is ${share}; it must be above 0 and at most 1`)
  const allowed = share * countFlops(model, at)
  const flopsAt = (keep: number): number => {
    const options = { method, ...(encoder !== undefined && { encoder }), schedule: schedule(keep / 10000) }
    try {
      return countFlops(transform(model, prune(options)).model, at)
    } catch (error) {
      if (isRefused(error)) return Number.NaN
      throw error
    }
  }
  let [low, high] = [1, 10000]
  if (flopsAt(high) <= allowed) return 1
  const least = flopsAt(low)
  if (!(least <= allowed)) {
    const percent = ((100 * least * share) / allowed).toFixed(0)
    throw new TpError(
      'TP_FLOPS',
      'compiler',
      `even with the fewest tokens ${percent} % of the FLOPs remain; ask for more, or prune earlier layers`,
    )
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (flopsAt(middle) <= allowed) low = middle
    else high = middle
  }
  return low / 10000
}
