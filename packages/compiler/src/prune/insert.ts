import { type Amount, cast, input, type Method, type Tensor, type Values } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { reduceTokens, type TokenState } from '@tp/core/host'
import type { NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import type { PoolCount } from '../analyze/pool-counts.ts'
import { type SiteName, sites } from '../analyze/sites.ts'
import { change, commit } from '../operators/flow.ts'
import { follow } from '../operators/follow.ts'
import type { Flow } from '../operators/operator.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'
import type { KeyBias } from './key-bias.ts'
import { takeParallelBranch } from './parallel-layers.ts'
import { editing, keptRows, Rewriter } from './rows.ts'
import { siteSources } from './site-source.ts'

export interface InsertOptions {
  readonly method: Method
  readonly layer: number
  readonly site: SiteName
  readonly amount: Amount | undefined
  readonly state: TokenState
  /** Placeholders in `state` → values of the graph. */
  readonly names: ReadonlyMap<Tensor, string>
  readonly params: Values
  readonly keyBias: KeyBias
  /** Nodes that no change goes beyond: where removed tokens are restored. */
  readonly ends: readonly NodeProto[]
  /** The counts of tokens for a pooling of the kept ones. */
  readonly counts: readonly PoolCount[]
  /** Whether pruned tokens are restored downstream of the last layer. */
  readonly restores: boolean
  /** Whether to write which token each one was merged into. */
  readonly merges: boolean
  /** Whether scores are kept. */
  readonly scores?: boolean
  /** Whether to write what share of tokens and score is kept. */
  readonly monitor: boolean
}

/** The outcome of a method at a layer: the state for the next one, and the cut if there was one. */
export interface Inserted {
  readonly state: TokenState
  readonly names: ReadonlyMap<Tensor, string>
  readonly cut?: InsertedCut
}

/** Runs a method at one layer of the graph and makes everything downstream follow the kept tokens. */
export function insertAt(program: Program, encoder: Encoder, options: InsertOptions): Inserted {
  const { method, layer, site, amount, state, params } = options
  // A position that an input names is not a token that the head reads.
  const readsPosition = encoder.positionReads.length > 0 || encoder.poolsLast
  const protectedInput = readsPosition ? state.protectedInputs[0] : undefined
  const { source: sourceAt, readers: readersAt } = siteSources[site]
  const source = sourceAt(program, encoder, layer, protectedInput)
  const reduced = reduceTokens({ method, source, state, amount, params })
  const names = new Map([...options.names, ...source.names])
  if (reduced.cut === undefined) return { state: reduced.state, names }

  const stream = sites[site].stream(encoder, layer) as string
  const readers = readersAt(program, stream)
  const { graph } = program
  const biases = biasesBySizes(program, encoder, stream)
  sizesFrom(program, stream, [...names.values(), ...biases])
  const { cut } = reduced
  const prefix = `tp/layer_${layer}`
  // Tokens may be pruned twice in a layer, at its input and after its attention.
  const count = site === 'input' ? `T'${layer}i` : `T'${layer}`
  const dims = program.tensor(stream).dims
  const batch = dims[0] as Dim
  const original = new Set(graph.nodes)
  const travelling = travellers(reduced.state)
  const fused = cut.fused === undefined ? [] : [cut.fused]
  const final = options.restores && cut.final !== undefined ? [cut.final] : []
  const scores = options.scores && cut.score !== undefined ? [cast(cut.score, 'float32')] : []
  const shares = options.monitor ? cut.shares() : undefined
  const watched = [shares?.tokens, shares?.mass].filter((share) => share !== undefined)
  const moving = [cut.states(source.hidden), cut.indices, ...fused, ...travelling.map(({ tensor }) => tensor)]
  const slots = options.merges && cut.slotOfEach !== undefined ? [cut.slotOfEach()] : []
  const outputs = [...moving, ...watched, ...final, ...slots, ...scores]
  const shapes = [
    [batch, count, dims[2] as Dim],
    [batch, count, 1],
    ...fused.map(() => [batch, count]),
    ...travelling.map(({ tensor }) => tensor.dims.map((dim) => (dim === 'B' ? batch : dim === 'N' ? count : dim))),
    ...watched.map(() => [batch]),
    ...final.map(() => [batch, dims[1] as Dim, dims[2] as Dim]),
    ...[...slots, ...scores].map(() => [batch, dims[1] as Dim]),
  ]
  const emitted = program.writeAll(outputs, names, { prefix, dims: shapes }).map(({ name }) => name)
  const [after, indices] = emitted as [string, string]
  // The values on which the choice depends see all tokens: a mask may get its length from the stream.
  const upstream = program.upstream(emitted)
  const sizes = program.upstream(biases)
  for (const reader of readers.filter((node) => !upstream.has(node) && !(node.opType === 'Shape' && sizes.has(node)))) {
    for (const [index, name] of [...reader.input].entries())
      if (name === stream) graph.replaceInput(reader, index, after)
  }
  graph.sortTopologically()
  // With a shape the runtime can still fuse what follows; with named sizes it would choose slower fusions.
  graph.setValueInfo(after, outputs[0]?.dtype as 'float32', [undefined, undefined, dims[2] as number])

  const kept = program.tensor(indices)
  const rows = keptRows(kept, indices)
  const rewriter = new Rewriter(program, (encoder.layers[0] as Layer).input, rows, count, prefix)
  const flow: Flow = {
    ...editing(rewriter),
    count,
    before: dims[1] as Dim,
    changed: new Map(),
    reads: () => {},
    readsAt: () => {},
  }
  change(flow, after, program.tensor(after))
  takeParallelBranch(flow, after)
  const own = graph.nodes.filter((node) => !original.has(node) || options.ends.includes(node))
  // Reads of single tokens are made to find them when all cuts are there.
  follow(flow, new Set([...own, ...encoder.positionReads.map(({ node }) => node)]))
  followCounts(flow, options.counts, after)
  commit(flow)

  const watchedNames = emitted.slice(moving.length, moving.length + watched.length)
  const next = renew(reduced.state, travelling, emitted.slice(2 + fused.length))
  for (const protectedInput of state.protectedInputs)
    next.names.set(protectedInput, options.names.get(protectedInput) as string)
  const nameOf = (name: string): string | undefined => next.byName.get(name)
  const inserted: InsertedCut = {
    layer,
    site,
    before: stream,
    after,
    indices,
    position: nameOf('position') as string,
    place: nameOf('place') ?? (nameOf('position') as string),
    valid: nameOf('attended'),
    size: nameOf('size'),
    keyBias: nameOf('keyBias'),
    fused: cut.fused && emitted[2],
    kept: watchedNames[0],
    mass: watchedNames[1],
    final: final.length === 0 ? undefined : emitted[moving.length + watched.length],
    slotOfEach: slots.length === 0 ? undefined : emitted[moving.length + watched.length + final.length],
    context: cut.context,
    scores: scores.length === 0 ? undefined : emitted.at(-1),
    bySignal: source.readsSignal(),
    ragged: cut.ragged,
    followers: rewriter.taken,
  }
  options.keyBias.renew(encoder, inserted)
  return { state: next.state, names: next.names, cut: inserted }
}

/**
 * Masks and biases of attentions that depend on the stream by its sizes alone. A mask [b,1,n,n] may have its queries from the stream and
 * its keys from the model's inputs: it is made with all tokens on both axes, and the kept ones are gathered.
 */
function biasesBySizes(program: Program, { layers }: Encoder, stream: string): string[] {
  const sides = new Set(layers.flatMap(({ attention }) => attention.sides))
  return [...sides].filter((name) => !program.before(name).has(stream))
}

/**
 * Makes sizes that the choice is made from, and that are those of something downstream of the site, come from the site itself: a mask
 * may get its length from the keys. `values`: what the choice reads.
 */
function sizesFrom(program: Program, site: string, values: readonly string[]): void {
  const { graph } = program
  for (const node of program.upstream(values)) {
    const [name] = node.input
    if (node.opType !== 'Shape' || name === undefined || name === site) continue
    const downstream = [...program.upstream([name])].some(({ input }) => input.includes(site))
    if (downstream && isSameShape(program.tensor(name), program.tensor(site))) graph.replaceInput(node, 0, site)
  }
}

function isSameShape(a: Tensor, b: Tensor): boolean {
  return a.hasShape && b.hasShape && a.rank === b.rank && a.dims.every((dim, axis) => dim === b.dims[axis])
}

interface Traveller {
  readonly name: string
  readonly tensor: Tensor
}

/** The tensors of a state, by name. */
function travellers(state: TokenState): Traveller[] {
  const { ordinals, attended, count, position, place, protectedSegment, aside, size, keyBias, carried } = state
  const own = Object.entries(carried).map(([name, tensor]) => ({ name: `carried.${name}`, tensor }))
  const all = { ordinals, attended, count, position, place, protectedSegment, aside, size, keyBias }
  const named = Object.entries(all).map(([name, tensor]) => ({ name, tensor }))
  return [...named, ...own].filter((traveller): traveller is Traveller => traveller.tensor !== undefined)
}

/** The state again, its tensors now values of the graph instead of expressions. */
function renew(
  state: TokenState,
  travelling: readonly Traveller[],
  values: readonly string[],
): { state: TokenState; names: Map<Tensor, string>; byName: Map<string, string> } {
  const names = new Map<Tensor, string>()
  const byName = new Map<string, string>()
  const fresh = new Map<string, Tensor>()
  for (const [i, { name, tensor }] of travelling.entries()) {
    const placeholder = input(name, tensor.dtype, tensor.dims)
    fresh.set(name, placeholder)
    names.set(placeholder, values[i] as string)
    byName.set(name, values[i] as string)
  }
  const carried = Object.fromEntries(
    Object.keys(state.carried).map((name) => [name, fresh.get(`carried.${name}`) as Tensor]),
  )
  const [ordinals, position] = [fresh.get('ordinals') as Tensor, fresh.get('position') as Tensor]
  const of = (name: 'attended' | 'count' | 'place' | 'protectedSegment' | 'aside' | 'size' | 'keyBias') =>
    fresh.get(name)
  const [attended, count, place, protectedSegment] = [of('attended'), of('count'), of('place'), of('protectedSegment')]
  const [aside, size, keyBias] = [of('aside'), of('size'), of('keyBias')]
  const own = { ordinals, attended, count, position, place, protectedSegment, aside, size, keyBias, carried }
  return { state: { ...state, ...own }, names, byName }
}

function uncounted(node: NodeProto, obstacle: NonNullable<PoolCount['obstacle']>): Refused {
  const seen =
    obstacle === 'layer'
      ? `a layer divides by the number of tokens that ${node.opType} counts`
      : `a mean divides by a number of tokens that ${node.opType} makes in a form that is not known`
  return new Refused('TP_POOLING', `${seen}, and it would count tokens that are pruned`, node)
}

/**
 * Makes the counts follow a cut that is upstream of what they divide.
 * @throws Refused TP_POOLING for one that cannot
 */
function followCounts(flow: Flow, poolCounts: readonly PoolCount[], after: string): void {
  if (poolCounts.length === 0) return
  const downstream = flow.program.after(after)
  for (const { node, axis, division, obstacle } of poolCounts) {
    if (division?.node.input.every((input) => !downstream.has(input))) continue
    if (obstacle !== undefined) throw uncounted(node, obstacle)
    const name = node.input[0] as string
    const { dims, rank } = flow.program.tensor(name)
    if (dims[axis] === flow.before) flow.rewire(node, 0, flow.take(name, [axis], rank, node).name)
  }
}
