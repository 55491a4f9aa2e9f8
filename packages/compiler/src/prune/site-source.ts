import { concat, constant, expand, gather, gatherND, shape, type Tensor, TpError, transpose, unsqueeze } from '@tp/core'
import { apply, type Dim } from '@tp/core/expression'
import type { SiteSource } from '@tp/core/host'
import type { NodeProto } from '@tp/onnx'
import { type Attention, isZeroing } from '../analyze/attention.ts'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import { replayScores, type SideUse } from '../analyze/scores.ts'
import { type SiteName, sites } from '../analyze/sites.ts'
import { placeholder } from '../operators/flow.ts'
import { headsInBatch, unfoldHeads } from '../operators/heads.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { withLeadingAxes } from './rows.ts'
import { signalOfInput } from './signal.ts'

/** A layer of a graph as methods see it, and the values of the graph that their expressions read. */
interface GraphSite extends SiteSource {
  /** Placeholders in the expressions → values of the graph. */
  readonly names: Map<Tensor, string>
  /** Whether a method has asked which tokens carry a signal. */
  readonly readsSignal: () => boolean
}

/** The facts about the graph that pruning at a kind of site needs. */
interface SiteInGraph {
  /** The site of a method. `protectedInput`: the token that the head reads, if it reads no leading one. */
  source(program: Program, encoder: Encoder, index: number, protectedInput?: Tensor): GraphSite
  /** The readers of the stream that continue with the kept tokens. */
  readers(program: Program, stream: string): readonly NodeProto[]
}

export const siteSources: Readonly<Record<SiteName, SiteInGraph>> = {
  attention: { source: graphSite, readers: readersOf },
  input: {
    source: inputSite,
    readers(program, stream) {
      // Copies of the stream that are outputs show it as it is upstream of the layer.
      const inside = program.before(stream)
      return readersOf(program, stream).filter(
        ({ opType, output }) => opType !== 'Identity' || inside.has(output[0] ?? ''),
      )
    },
  },
}

function readersOf(program: Program, stream: string): NodeProto[] {
  return program.graph.consumers(stream).map(({ node }) => node)
}

/** The values known at the input of layer `index` of an encoder: the tokens, and nothing that the layer computes of them. */
function inputSite(program: Program, encoder: Encoder, index: number): GraphSite {
  const name = sites.input.stream(encoder, index) as string
  const operands = new Operands(program)
  const hidden = operands.value(name, ['B', 'N', 'D'])
  const notYet = (): never => {
    throw new TpError(
      'TP_METHOD',
      'compiler',
      `a method that works at the input of layer ${index} looks at its attention`,
    )
  }
  const nothing = { query: notYet, key: notYet, value: notYet, attention: notYet, attentionFrom: notYet }
  return {
    ...{ layer: index, layerCount: encoder.depth, hidden, ...nothing, classToken: notYet },
    ...signalFrom(program, encoder, operands),
    requireMask: () => requireMask(encoder),
    names: operands.names,
  }
}

/** The site of a method at layer `index` of an encoder. `protectedInput`: the token that the head reads, if it reads no leading one. */
function graphSite(program: Program, encoder: Encoder, index: number, protectedInput?: Tensor): GraphSite {
  const layer = encoder.layers[index] as Layer
  const { attention } = layer
  const operands = new Operands(program)
  const placeholders = new Map<string, Tensor>()
  /** The value with its axes named as methods name them. */
  const value = (name: string, dims: readonly Dim[]): Tensor => {
    const known = placeholders.get(name)
    if (known !== undefined) return known
    const placeholder = operands.value(name, dims)
    placeholders.set(name, placeholder)
    return placeholder
  }
  const heads = new HeadAxis(program, encoder, index)
  /** [b,h,·,·] with the given last axes, whether the heads have an axis or there is only one. */
  const perHead = (name: string, rows: Dim, columns: Dim): Tensor => {
    const whole = heads.of(name)
    return program.tensor(whole).rank === 4
      ? value(whole, ['B', 'H', rows, columns])
      : unsqueeze(value(whole, ['B', rows, columns]), [1])
  }
  return {
    layer: index,
    layerCount: encoder.depth,
    hidden: value(layer.site, ['B', 'N', 'D']),
    isCausal: encoder.isCausal,
    query: () => perHead(attention.query, 'N', 'Dh'),
    key: () => transpose(perHead(attention.keyTransposed, 'Dh', 'N'), [0, 1, 3, 2]),
    value: () => perHead(attention.value, 'N', 'Dh'),
    attention: () => perHead(zeroed(program, attention.probabilities), 'N', 'N'),
    attentionFrom: (rows) => {
      const query = takeQueries(perHead(attention.query, 'N', 'Dh'), rows)
      const scores = productOf(program, attention, query, perHead(attention.keyTransposed, 'Dh', 'N'))
      return replayScores(program, attention, scores, (use) => sideRows(program, heads, use, rows, value))
    },
    ...signalFrom(program, encoder, operands),
    requireMask: () => requireMask(encoder),
    classToken() {
      const token = encoder.classToken ?? protectedInput
      if (token !== undefined) return token
      throw new Refused(
        'TP_NO_CLASS_TOKEN',
        'the model has no class token that its head reads; choose a method that does not need one, or name its position (protect)',
      )
    },
    names: operands.names,
  }
}

function signalFrom(program: Program, encoder: Encoder, operands: Operands): Pick<GraphSite, 'signal' | 'readsSignal'> {
  let isRead = false
  return {
    signal() {
      isRead = true
      return signalOfInput(program, encoder, operands)
    },
    readsSignal: () => isRead,
  }
}

/** @throws Refused TP_MASK */
function requireMask({ mask }: Encoder): void {
  if (mask !== undefined) return
  const seen = 'no input of the model says which tokens are padding, so that none can be known to be'
  const advice =
    'export a model of texts with its attention mask as an input; of recordings take thin-padding, which reads the silence'
  throw new Refused('TP_MASK', `${seen}; ${advice}`)
}

/** Attention in which queries that see no key have 0 instead of NaN, if the model makes it so: in a causal one padding on the left is of that kind. */
function zeroed(program: Program, probabilities: string): string {
  const found = program.graph.consumers(probabilities).find(({ node }) => isZeroing(program, node, probabilities))
  return found?.node.output[0] ?? probabilities
}

/** Values of a layer with the heads in an axis of their own: [b·h,…] becomes [b,h,…] where they are folded into the batch. */
class HeadAxis {
  readonly #program: Program
  readonly #batch: Dim
  readonly #layer: number
  readonly #unfolded = new Map<string, string>()

  constructor(program: Program, encoder: Encoder, layer: number) {
    this.#program = program
    this.#batch = encoder.batch
    this.#layer = layer
  }

  /** The value with four axes, or with three [b,·,·] if there is one head. */
  of(name: string): string {
    const { rank, dims } = this.#program.tensor(name)
    return rank === 4 || (rank === 3 && dims[0] === this.#batch) ? name : this.unfolded(name)
  }

  unfolded(name: string): string {
    const known = this.#unfolded.get(name)
    if (known !== undefined) return known
    const actual = this.#program.tensor(name)
    const heads = headsInBatch(this.#program, name, this.#batch)
    if (actual.rank !== 3 || heads === undefined) {
      const { graph } = this.#program
      const reason = `layer ${this.#layer} keeps its heads as [${actual.dims.join(',')}], which cannot be separated`
      throw new Refused('TP_HEADS', reason, graph.producer(name))
    }
    const folded = placeholder(name, actual, actual.dims)
    const apart = this.#program.write(unfoldHeads(folded, heads), new Map([[folded, name]]), {
      prefix: `tp/layer_${this.#layer}`,
      dims: [[this.#batch, heads, ...actual.dims.slice(1)]],
    })
    this.#unfolded.set(name, apart.name)
    return apart.name
  }
}

export function productOf(program: Program, { chain }: Attention, query: Tensor, keyTransposed: Tensor): Tensor {
  const { op, attributes } = program.tensor(chain[0]?.output[0] as string).node
  return apply(op, [query, keyTransposed], attributes)[0] as Tensor
}

/** Rows of the query axis of [B,H,N,·]. */
export function takeQueries(x: Tensor, rows: Tensor | number): Tensor {
  if (typeof rows === 'number') return gather(x, constant([rows], 'int64'), 2)
  return transpose(gatherND(transpose(x, [0, 2, 1, 3]), unsqueeze(rows, [2]), 1), [0, 2, 1, 3])
}

/** A mask, bias or scale that meets the scores [B,H,N,N], for the same query rows. */
function sideRows(
  program: Program,
  heads: HeadAxis,
  { name, rank }: SideUse,
  rows: Tensor | number,
  value: (name: string, dims: readonly Dim[]) => Tensor,
): Tensor {
  const tensor = program.tensor(name)
  // Where scores have no axis for the heads: several are folded into the first axis, or there is one.
  const isFlat = rank === 3 && tensor.rank === 3
  const whole = isFlat && tensor.dims[0] !== 1 ? heads.of(name) : name
  const actual = program.tensor(whole)
  const positions = actual.rank === 4 || !isFlat ? ['B', 'H', 'N', 'N'].slice(4 - actual.rank) : ['B', 'N', 'N']
  const named = value(
    whole,
    actual.dims.map((dim, axis) => (dim === 1 ? 1 : (positions[axis] as Dim))),
  )
  const aligned = actual.rank === 3 && isFlat ? unsqueeze(named, [1]) : named
  if (aligned.rank < 2 || aligned.dims[aligned.rank - 2] === 1) return aligned
  if (typeof rows === 'number') return gather(aligned, constant([rows], 'int64'), aligned.rank - 2)
  const full = withLeadingAxes(aligned, 4)
  return takeQueries(full.dims[0] === 1 ? repeatPerRow(full, rows) : full, rows)
}

/** [1,…] → [B,…] for rows [B,Q]. */
export function repeatPerRow(x: Tensor, rows: Tensor): Tensor {
  const batch = shape(rows, { start: 0, end: 1 })
  return expand(
    x,
    concat(
      [
        batch,
        constant(
          x.dims.slice(1).map(() => 1),
          'int64',
        ),
      ],
      0,
    ),
  )
}
