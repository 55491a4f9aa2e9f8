import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { cloneModel, type NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import { TOKENS, type TokenAxis, traceTokens } from '../analyze/token-axis.ts'
import { change, commit } from '../operators/flow.ts'
import { follow } from '../operators/follow.ts'
import type { Flow } from '../operators/operator.ts'
import { rowAxes } from '../operators/row-axes.ts'
import { positionKey } from '../operators/token-position.ts'
import { Program, readsShape } from '../program/program.ts'
import { keptNames } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'
import { PRUNE_DEFAULTS } from './prune-options.ts'
import type { Pruning } from './pruning.ts'
import { editing, leadingRows, Rewriter, type Rows } from './rows.ts'
import { placedRows, readOnly } from './token-reads.ts'

/** Need of a value: all of it, or only its leading tokens, along this axis. */
type Need = 'all' | number
type Needs = Map<string, Need>

/** A read of a whole value by a node that needs only its leading tokens. */
interface PartialRead {
  readonly node: NodeProto
  readonly index: number
  readonly axis: number
}

/** Leaves out what no output reads, unless that is not wanted. */
export function leaveOutDeadTokens({ program, encoder, cuts, options }: Pruning): void {
  program.graph.removeDeadNodes()
  const { deadTokens = PRUNE_DEFAULTS.deadTokens } = options
  if (deadTokens && (!encoder.isCausal || isFollowed(program, encoder, cuts)))
    eliminateDeadTokens(program, encoder, cuts)
  program.graph.removeDeadNodes()
}

/** False where a causal layer takes its mask from a table by counting its own queries, so that they cannot become one; tried on a copy. */
function isFollowed(program: Program, encoder: Encoder, cuts: readonly InsertedCut[]): boolean {
  const trial = new Program(cloneModel(program.model), countsAfter(program, encoder, cuts))
  try {
    eliminateDeadTokens(trial, encoder, cuts)
    return true
  } catch (error) {
    if (error instanceof Refused) return false
    throw error
  }
}

/**
 * Leaves out what no output reads. With a class-token head the last layer has to compute queries, attention and FFN of
 * the leading tokens only. Exact: no result changes but by rounding.
 *
 * Needs are found backwards from the outputs; where a value is needed whole by some readers and in part by others, the
 * part is cut out for the latter, and everything downstream is followed and repaired as it is for any other cut.
 */
function eliminateDeadTokens(program: Program, encoder: Encoder, cuts: readonly InsertedCut[]): void {
  const last = encoder.layers.at(-1)
  if (last === undefined) return
  const cut = cuts.findLast(({ layer }) => layer === encoder.layers.length - 1)
  program.refresh(countsAfter(program, encoder, cuts))
  if (cut !== undefined && !bypass(program, cut)) return
  const axis = singledOut(program, last.input)
  if (axis === undefined) return
  const reads = partialReads(program, axis, findNeeds(program, axis))
  if (reads.length === 0) return
  const [placed] = axis.reads > 0 ? [] : axis.positionReads
  const rows = placed === undefined ? leadingRows(axis.reads) : placedRows(program, placed.position)
  const reading = placed === undefined ? [] : axis.positionReads.map(({ node }) => node)
  cutReads(program, { stream: (encoder.layers[0] as Layer).input, rows, axis, reading }, reads)
  for (const node of reading) readOnly(program, node)
  program.graph.sortTopologically()
}

/**
 * Computes of an output [b,n,…] only the last token, [b,1,…], and of all else what other outputs need. `axis`: the tokens of
 * `stream`.
 * @returns whether there was anything to leave out
 */
export function computeLastOf(program: Program, output: string, stream: string, axis: TokenAxis): boolean {
  const reads = partialReads(program, axis, findNeeds(program, axis, output))
  const rows = placedRows(program, { fromEnd: 1 })
  if (reads.length > 0) cutReads(program, { stream, rows, axis, reading: [] }, reads)
  return reads.length > 0
}

/** The cuts that remain when dead tokens are eliminated; tried on a copy. */
export function lastingCuts(program: Program, encoder: Encoder, cuts: readonly InsertedCut[]): readonly InsertedCut[] {
  if (cuts.every(({ layer }) => layer !== encoder.layers.length - 1)) return cuts
  const trial = new Program(cloneModel(program.model), countsAfter(program, encoder, cuts))
  trial.graph.removeDeadNodes()
  eliminateDeadTokens(trial, encoder, cuts)
  return cuts.filter((cut) => trial.graph.producer(cut.after) !== undefined)
}

/** Names for token counts: those that the program has already (of earlier cuts, unless the file fixes them), and of new cuts where they cannot be known. */
export function countsAfter(
  program: Program,
  { name }: Encoder,
  cuts: readonly InsertedCut[],
): ReadonlyMap<string, string> {
  return new Map([...program.counts, ...keptNames([{ cuts, encoder: name }])])
}

/** Takes a cut out again if only leading tokens are read downstream of it: they are the same upstream. False if more is read. */
function bypass(program: Program, cut: InsertedCut): boolean {
  const axis = singledOut(program, cut.after)
  if (axis === undefined || findNeeds(program, axis).get(cut.after) === 'all') return false
  const { graph } = program
  const whole = new Map([...cut.followers, [cut.after, cut.before]])
  // Something else that the outputs need may follow the choice of tokens.
  const downstream = graph.outputs.map(({ name }) => name).filter((name) => program.before(name).has(cut.after))
  if (isNeeded(program, cut.indices, downstream, whole)) return false
  for (const [after, before] of whole) if (graph.has(after)) graph.replaceAllUses(after, before)
  graph.removeDeadNodes()
  program.refresh()
  return true
}

/** True if outputs are computed from a value, were others replaced. */
function isNeeded(
  { graph }: Program,
  name: string,
  outputs: readonly string[],
  replaced: ReadonlyMap<string, string>,
): boolean {
  const seen = new Set<string>()
  const queue = [...outputs]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const now = replaced.get(next) ?? next
    if (now === name) return true
    if (seen.has(now)) continue
    seen.add(now)
    for (const name of graph.producer(now)?.input ?? []) queue.push(name)
  }
  return false
}

/** The tokens of a stream, if the model reads no more of them than leading tokens, or one of each example. */
function singledOut(program: Program, stream: string): TokenAxis | undefined {
  try {
    const axis = traceTokens(program, stream)
    const positions = new Set(axis.positionReads.map(({ position }) => positionKey(position)))
    return axis.reads > 0 || positions.size === 1 ? axis : undefined
  } catch (error) {
    // Steps that choose tokens (they are there only if they are traced) need all of them.
    if (error instanceof Refused) return undefined
    throw error
  }
}

/** True if only one token of each example is read of the last layer, at a position that is not a leading one. */
export function readsOnePosition(program: Program, { layers, positionReads }: Encoder): boolean {
  const site = layers.at(-1)?.site
  if (site === undefined || positionReads.length === 0) return false
  const axis = singledOut(program, site)
  return axis?.reads === 0 && typeof findNeeds(program, axis).get(site) === 'number'
}

/** @param single an output of which one token is needed, not all */
function findNeeds(program: Program, axis: TokenAxis, single?: string): Needs {
  const needs: Needs = new Map()
  const need = (name: string, what: Need): void => {
    const known = needs.get(name)
    needs.set(name, known === undefined || known === what ? what : 'all')
  }
  for (const { name } of program.graph.outputs) {
    if (axis.changed.has(name)) need(name, name === single ? 1 : 'all')
  }
  for (const node of [...program.graph.nodes].reverse()) {
    if (readsShape(node)) continue
    const rows = inputNeeds(program, axis, needs, node)
    for (const [i, name] of node.input.entries()) {
      const what = rows[i]
      if (what !== undefined && axis.changed.has(name)) need(name, what)
    }
    // A node that has to read everything for a part of its result computes everything: the part is taken out after it.
    const own = rows.filter((what, i) => what !== undefined && axis.changed.has(node.input[i] as string))
    if (own.length === 0 || own.some((what) => what !== 'all')) continue
    for (const name of node.output) if (needs.has(name)) needs.set(name, 'all')
  }
  return needs
}

/** True if a node takes out tokens that are kept: leading ones, or, where none of these are read, one of each example. */
function takesOut({ reads, readers, positionReads }: TokenAxis, node: NodeProto): boolean {
  if (reads > 0) return readers.some((reader) => reader.single && reader.node === node)
  return positionReads.some((read) => read.node === node)
}

/** The part of each input that a node needs for the needed part of its results. */
function inputNeeds(program: Program, axis: TokenAxis, needs: Needs, node: NodeProto): (Need | undefined)[] {
  if (!node.input.some((name) => axis.changed.has(name))) return []
  if (takesOut(axis, node))
    return node.input.map((name, i) => (i === 0 ? axis.changed.get(name)?.dims.indexOf(TOKENS) : undefined))
  const needed = node.output.map((name) => needs.get(name))
  const returnsTokens = node.output.some((name) => name !== '' && !axis.changed.has(name))
  if (returnsTokens || needed.includes('all')) return node.input.map(() => 'all')
  const rows = needed.filter((what) => what !== undefined)
  const [row] = rows
  if (row === undefined) return []
  if (typeof row !== 'number' || rows.some((other) => other !== row)) return node.input.map(() => 'all')
  const known = (name: string): Tensor | undefined =>
    name === '' ? undefined : (axis.changed.get(name) ?? program.tensor(name))
  const output = node.output.find((_, i) => needed[i] !== undefined) as string
  return rowAxes(
    {
      node,
      inputs: node.input.map(known),
      output: known(output) as Tensor,
      attributes: program.tensor(output).node.attributes,
      isTokens: (dim: Dim) => dim === TOKENS,
    },
    row,
  )
}

function partialReads(program: Program, axis: TokenAxis, needs: Needs): PartialRead[] {
  return program.graph.nodes.flatMap((node) => {
    if (!node.output.some((name) => typeof needs.get(name) === 'number')) return []
    const rows = inputNeeds(program, axis, needs, node)
    return node.input.flatMap((name, index) => {
      const row = rows[index]
      return typeof row === 'number' && needs.get(name) === 'all' ? [{ node, index, axis: row }] : []
    })
  })
}

/** The indices by which some tokens are cut out. */
interface Cutting {
  /** The stream that the first layer reads, with all tokens. */
  readonly stream: string
  readonly axis: TokenAxis
  readonly rows: Rows
  /** Reads of these tokens, which are left as they are. */
  readonly reading: readonly NodeProto[]
}

function cutReads(program: Program, { stream, axis, rows, reading }: Cutting, reads: readonly PartialRead[]): void {
  const { graph } = program
  const count = "S'"
  const prefix = 'tp/leading'
  const original = new Set(graph.nodes)
  const rewriter = new Rewriter(program, stream, rows, count, prefix)
  const flow: Flow = {
    ...editing(rewriter),
    count,
    before: axis.count,
    changed: new Map(),
    reads: () => {},
    readsAt: () => {},
  }
  for (const { node, index, axis: row } of reads) {
    const whole = node.input[index] as string
    const leading = rewriter.take(whole, [row], program.tensor(whole).rank, node)
    graph.replaceInput(node, index, leading.name)
    change(flow, leading.name, leading.tensor)
  }
  graph.sortTopologically()
  const own = graph.nodes.filter((node) => !original.has(node))
  follow(flow, new Set([...own, ...reading]))
  commit(flow)
  graph.sortTopologically()
}
