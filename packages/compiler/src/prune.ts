import {
  type Amount,
  checkSchedule,
  isUnknown,
  type Method,
  type Schedule,
  type Tensor,
  TpError,
  type Values,
} from '@tp/core'
import { cloneModel, Graph, type Model } from '@tp/onnx'
import { requireNoReturn } from './analyze/earlier-cuts.ts'
import type { Encoder } from './analyze/encoder.ts'
import { chooseEncoders, findEncoders } from './analyze/find-encoders.ts'
import { dropViews } from './normalize/batch-first.ts'
import { foldBack } from './normalize/fold-back.ts'
import { openProgram } from './normalize/open.ts'
import { Program, withEqualSizes } from './program/program.ts'
import { addProvenance, type PruningStep } from './program/provenance.ts'
import { type Refusal, Refused, refusalOf } from './program/refusal.ts'
import { requireModel } from './program/require-model.ts'
import { version } from './program/version.ts'
import { checkPruneOptions } from './prune-options.ts'
import type { InsertedCut } from './transform/cut.ts'
import { countsBehind, eliminateDeadTokens, lastingCuts, readsOnePlace } from './transform/dead-tokens.ts'
import { addMask, addMonitor, addTraces, MASK } from './transform/extra-outputs.ts'
import { fixedPositions } from './transform/fixed-positions.ts'
import { insertAt } from './transform/insert.ts'
import { KeyBias } from './transform/key-bias.ts'
import { poolKept } from './transform/pool-kept.ts'
import { type RestorePoint, restorePoints } from './transform/restore.ts'
import { Returning, type Tokens } from './transform/returning.ts'
import { startOf } from './transform/start.ts'
import { readKept } from './transform/token-reads.ts'

export interface PruneOptions {
  readonly method: Method
  /** Which blocks tokens leave at; a function where a file with several encoders needs one for each. */
  readonly schedule: Schedule | ((tower: Tower) => Schedule)
  /**
   * Name of the encoder to prune in a file that holds several (see `inspect`); default: every one that can be pruned.
   */
  readonly tower?: string
  /** Positions that must stay: those found by data flow (`auto`, the default), or these. */
  readonly protect?: 'auto' | readonly number[]
  /**
   * Adds an input `tp.protect` (int64 [b,1]): a place in each example whose token stays, beside those that are protected.
   * With it one model tells of every token what its staying would change.
   */
  readonly protectInput?: boolean
  /**
   * Whether removed tokens come back, with the state they left with, before the final norm and the head: `auto` (the
   * default) for outputs whose rows follow from the number of tokens, `all` also before a pooling head, `none` never. With
   * `none` outputs of one row for every token have one for every token that stays, and the output `tp.mask` (int64 [b,k])
   * says which are real tokens (1): what a decoder that reads them takes as its encoder's attention mask.
   */
  readonly restore?: 'auto' | 'none' | 'all'
  /** Names of the outputs to keep; the others are left out with all that only they need. Default: all. */
  readonly outputs?: readonly string[]
  /**
   * Adds outputs `tp.trace.<block>.indices` (int64 [b,k], original places) and `.valid` (bool [b,k]). `scores`: also
   * `.scores` (float32 [b,n], of the tokens that arrive, in their order there), what the schedule's rule was applied to;
   * there is none at a block where a method chooses by no score (samples, or asks a network for yes or no).
   */
  readonly trace?: boolean | 'scores'
  /**
   * Adds outputs float32 [b] to watch for drift (`monitor` of `@tp/guard`): `tp.monitor.mass`, the share of the score that the
   * tokens that stay hold, averaged over the cuts, for methods whose scores are not negative; and `tp.monitor.kept`, the share
   * of the tokens that stays, where the data decide it.
   */
  readonly monitor?: boolean
  /** Also leaves out, exactly, what no output reads. Default true. */
  readonly deadTokens?: boolean
  /** Trained values of the method at each block. */
  readonly params?: (block: number) => Values
  /** SHA-256 of the file, for the record that the pruned file keeps. */
  readonly source?: string
}

/** One encoder of a file. */
export interface Tower {
  /** The first input of the model that it reads. */
  readonly name: string
  readonly blocks: number
}

export type PruneResult = Pruned | { readonly ok: false; readonly refusal: Refusal }

export interface Pruned {
  readonly ok: true
  readonly model: Model
  /** Of all encoders that were pruned. */
  readonly blocks: number
  /** Cuts that are in the graph; a cut behind which only class tokens are read is left out with what is dead. */
  readonly cuts: readonly InsertedCut[]
  /** The same for each encoder. */
  readonly towers: readonly PrunedTower[]
}

export interface PrunedTower extends Tower {
  readonly schedule: Schedule
  readonly cuts: readonly InsertedCut[]
}

/**
 * Makes tokens leave a model between its blocks. The model itself is not changed; weights are shared with the result.
 * A model that cannot be pruned gives a refusal; bad options throw, wherever they come from.
 * @throws TpError TP_OPTION, TP_METHOD, TP_SCHEDULE, TP_PROTECT, TP_TOWER, TP_OUTPUT; TP_NOT_ONNX for what is no model
 */
export function prune(source: Model, options: PruneOptions): PruneResult {
  checkPruneOptions(options)
  try {
    return withEqualSizes(() => pruneModel(source, options))
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

/**
 * The same where a refusal is an error like others.
 * @param where who asks, for the error
 * @throws TpError with the code and the sentence of the refusal
 */
export function pruneOrThrow(source: Model, options: PruneOptions, where: string): Pruned {
  const result = prune(source, options)
  if (result.ok) return result
  throw new TpError(result.refusal.code, where, result.refusal.message)
}

function pruneModel(source: Model, options: PruneOptions): Pruned {
  const program = openProgram(options.outputs === undefined ? source : keepOutputs(source, options.outputs))
  const found = findEncoders(program)
  const [first, ...others] = chooseEncoders(found, options.tower)
  const named = found.length > 1
  const several = others.length > 0
  const pruneNext = (current: Program, encoder: Encoder): PrunedTower => {
    try {
      return pruneEncoder(current, encoder, options, { named, several })
    } catch (error) {
      throw several && error instanceof Refused ? error.of(encoder.name) : error
    }
  }
  const towers = [pruneNext(program, first)]
  let { model } = program
  for (const { name } of others) {
    const next = openProgram(model)
    const [encoder] = chooseEncoders(findEncoders(next), name)
    towers.push(pruneNext(next, encoder))
    model = next.model
  }
  const blocks = towers.reduce((sum, tower) => sum + tower.blocks, 0)
  return { ok: true, model, blocks, cuts: towers.flatMap(({ cuts }) => cuts), towers }
}

interface Company {
  /** There are other encoders in the file. */
  readonly named: boolean
  /** Others are pruned in the same way. */
  readonly several: boolean
}

function pruneEncoder(
  program: Program,
  found: Encoder,
  options: PruneOptions,
  { named, several }: Company,
): PrunedTower {
  const { restore = 'auto', deadTokens = true } = options
  const { name } = found
  let encoder = withClassToken(found, options)
  const about: Tower = { name, blocks: encoder.blocks.length }
  const given = typeof options.schedule === 'function' ? options.schedule(about) : options.schedule
  const asked = checkSchedule(given, encoder.depth)
  requireOpenLayers(asked, encoder)
  // In a last block that computes no more than the class token none can leave; nor need they where it is about to.
  const isMoot = deadTokens && !options.trace && restore !== 'all' && readsOnePlace(program, encoder)
  const open = sitesOf(encoder, options.method) - (isMoot ? 1 : 0)
  const schedule: Schedule = new Map([...asked].filter(([block]) => block < open))
  const before = outputShapes(program)
  const fixed = fixedPositions(encoder, options.protect ?? 'auto')
  let points: readonly RestorePoint[] = []
  if (schedule.size > 0 && restores(encoder, restore, options.method)) {
    ;({ points, encoder } = restorePoints(program, encoder, schedule.keys()))
  }
  const returning = new Returning(program, encoder, options.method, schedule)
  const cuts = insertCuts(program, encoder, { ...options, schedule, fixed }, { points, returning })
  for (const point of points) point.restore(returning.awayAt(cuts, point))
  if (options.trace) addTraces(program, cuts, name, several)
  if (options.monitor) addMonitor(program, deadTokens ? lastingCuts(program, encoder, cuts) : cuts, name, several)
  const compact = restore === 'none' ? encoder.tokenOutputs : []
  const mask = several ? `${MASK}.${name}` : MASK
  if (compact.length > 0) addMask(program, cuts, mask)
  program.graph.removeDeadNodes()
  const lean = deadTokens ? eliminateDeadTokens(program, encoder, cuts) : program
  const { graph } = lean
  graph.removeDeadNodes()
  dropViews(lean)
  foldBack(lean, program.expansions)
  graph.sortTopologically()
  const left = cuts.filter((cut) => graph.producer(cut.after) !== undefined)
  const counts = countsBehind(program, encoder, left)
  requireSameOutputs(before, new Program(program.model, counts), compact.length > 0 ? [...compact, mask] : [])
  const step = provenanceOf(encoder, { ...options, schedule, fixed }, left, points)
  addProvenance(program.model, named ? { ...step, tower: name } : step)
  return { ...about, schedule: asked, cuts: left }
}

/** How many layers a method may prune tokens at: one that is no block any more has only its input. */
function sitesOf({ blocks, end }: Encoder, { place }: Method): number {
  return blocks.length + (place === 'input' && end !== undefined ? 1 : 0)
}

/** Whether removed tokens come back. */
function restores(
  { earlier, tokenOutputs, countedOutputs }: Encoder,
  restore: NonNullable<PruneOptions['restore']>,
  { returns = false }: Method,
): boolean {
  const needed = tokenOutputs.length + countedOutputs.length > 0
  if (earlier === undefined) return restore === 'all' || (restore === 'auto' && (returns || needed))
  const already = earlier.restored !== undefined
  if (already && restore === 'none') {
    const reason = 'tokens that left this model before come back before its head, so those that leave now have to, too'
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from without restoring`)
  }
  if (!already && restore === 'all') {
    const reason = 'tokens that left this model before do not come back, so not all tokens can'
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from with all of them restored`)
  }
  return already || (restore === 'auto' && needed)
}

/** A class token that the head does not read by its place has to be named by protecting it. */
function withClassToken(encoder: Encoder, { protect }: PruneOptions): Encoder {
  const named = typeof protect === 'object' ? protect[0] : undefined
  const reads = encoder.classToken !== undefined || encoder.placeReads.length > 0
  return reads || named === undefined ? encoder : { ...encoder, classToken: named }
}

interface CutOptions extends PruneOptions {
  readonly schedule: Schedule
  readonly fixed: readonly number[]
}

function insertCuts(
  program: Program,
  encoder: Encoder,
  { method, schedule, fixed, params = () => ({}), trace, protectInput, monitor = false }: CutOptions,
  { points, returning }: { readonly points: readonly RestorePoint[]; readonly returning: Returning },
): InsertedCut[] {
  const { earlier } = encoder
  requireNoReturn(earlier)
  if (earlier !== undefined && (method.carry !== undefined || method.returns)) {
    const reason = `${method.name} keeps state from block to block, and would miss the blocks where tokens left before`
    throw new Refused('TP_PRUNED', `${reason}; use it in the first pruning`)
  }
  const cuts: InsertedCut[] = []
  const keyBias = new KeyBias(program)
  const ends = [...points.map(({ node }) => node), ...returning.ends]
  const start = startOf(program, encoder, { fixed, place: method.place, protectInput })
  let tokens: Tokens = start
  for (let block = encoder.open; block < sitesOf(encoder, method); block++) {
    for (const { place, amount } of visits(method, schedule.get(block))) {
      if (amount !== undefined) tokens = returning.start(returning.comeBack(block, tokens))
      const about = { method, block, place, amount, params: params(block) }
      const options = { ...about, keyBias, ends, scores: trace === 'scores', monitor }
      const inserted = insertAt(program, encoder, { ...options, ...tokens })
      if (inserted.cut) {
        returning.left(tokens, inserted.cut)
        cuts.push(inserted.cut)
      }
      tokens = inserted
    }
  }
  if (earlier?.weighted && cuts.some((cut) => cut.size !== undefined)) {
    const reason =
      'tokens were merged, or left by a threshold, when this model was pruned before, so now they can only leave'
    throw new Refused('TP_PRUNED', `${reason}; choose a method that does not merge, or prune the file it was made from`)
  }
  const last = cuts.at(-1)
  if (last !== undefined) {
    const isRagged = cuts.some((cut) => cut.ragged)
    const counts = points.length === 0 ? encoder.poolCounts : []
    poolKept(program, last, { isRagged, keyBias, ends, counts, again: earlier?.weighted === true })
  }
  readKept(program, encoder.placeReads, start.places, cuts, points.at(-1)?.to)
  return cuts
}

interface Visit {
  readonly place: InsertedCut['place']
  readonly amount: Amount | undefined
}

/** Where a method looks at a block, and whether tokens leave there. */
function visits({ place = 'attention', carry }: Method, amount: Amount | undefined): Visit[] {
  const observes = carry !== undefined
  if (place === 'attention') return amount === undefined && !observes ? [] : [{ place, amount }]
  const observed: Visit[] = observes ? [{ place: 'attention', amount: undefined }] : []
  return amount === undefined ? observed : [{ place, amount }, ...observed]
}

function requireOpenLayers(schedule: Schedule, { depth, open }: Encoder): void {
  const last = depth - 1
  const early = [...schedule.keys()].find((block) => block < open)
  if (early === undefined) return
  const reason = `tokens leave this model at block ${open - 1} already, so none can at block ${early}`
  const advice = open > last ? 'no block is left behind it' : `name layers from ${open} to ${last}`
  throw new Refused('TP_PRUNED', `${reason}; ${advice}, or prune the file it was made from`)
}

/** @throws TpError TP_OUTPUT for a name that is none of an output, or if none is named */
function keepOutputs(source: Model, names: readonly string[]): Model {
  requireModel(source)
  const model = cloneModel(source)
  const graph = new Graph(model)
  const known = graph.outputs.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined || names.length === 0) {
    const seen = unknown === undefined ? 'no output is named' : `the model has no output ${unknown}`
    throw new TpError('TP_OUTPUT', 'compiler', `${seen}; it has ${known.join(', ')}`)
  }
  for (const name of known) if (!names.includes(name)) graph.removeOutput(name)
  graph.removeDeadNodes()
  return model
}

/** Types and shapes of what a model gives. */
function outputShapes(program: Program): Map<string, Tensor> {
  return new Map(program.graph.outputs.map(({ name }) => [name, program.tensor(name)]))
}

/** The last check: the graph as it is now, inferred anew, gives what it gave before. */
function requireSameOutputs(before: ReadonlyMap<string, Tensor>, program: Program, mayShrink: readonly string[]): void {
  const now = outputShapes(program)
  const isSame = (name: string, was: Tensor): boolean =>
    mayShrink.includes(name) || sameShape(was, now.get(name) as Tensor)
  const changed = [...before].filter(([name, was]) => !isSame(name, was))
  const [first] = changed
  if (first === undefined) return
  const [name, was] = first
  const others =
    changed.length === 1
      ? ''
      : ` (and ${changed
          .slice(1)
          .map(([other]) => other)
          .join(', ')} likewise)`
  const seen = `the output ${name} was ${was} and would be ${now.get(name)}${others}: it has rows of tokens that leave before it`
  const rest = [...before.keys()].filter((other) => changed.every(([gone]) => gone !== other))
  const advice = rest.length === 0 ? '' : `; keep only the others, with --outputs ${rest.join(',')}`
  throw new Refused('TP_TOKEN_OUTPUT', `${seen}${advice}`, program.graph.producer(name))
}

/** True if what was known of a shape is so still. */
function sameShape(was: Tensor, now: Tensor): boolean {
  if (was.dtype !== now.dtype || !was.hasShape || !now.hasShape) return was.dtype === now.dtype && !was.hasShape
  return was.rank === now.rank && was.dims.every((dim, axis) => isUnknown(dim) || dim === now.dims[axis])
}

function provenanceOf(
  { depth }: Encoder,
  { method, schedule, fixed, source }: CutOptions,
  cuts: readonly InsertedCut[],
  points: readonly RestorePoint[],
): PruningStep {
  return {
    version,
    method: method.name,
    blocks: depth,
    schedule: Object.fromEntries(schedule),
    ...(source !== undefined && { source }),
    fixed,
    ...(method.returns && cuts.length > 0 && { returns: true as const }),
    cuts: cuts.map(({ block, place, before, after, indices, ragged, valid, size }) => ({
      block,
      ...(place === 'input' && { place }),
      before,
      after,
      indices,
      ragged,
      ...(ragged && valid !== undefined && { valid }),
      merged: size !== undefined,
    })),
    ...(points.length > 0 &&
      cuts.length > 0 && { restored: points.map(({ from, to, before }) => ({ from, to, before })) }),
  }
}
