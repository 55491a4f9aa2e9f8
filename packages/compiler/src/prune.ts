import {
  type Amount,
  cast,
  equal,
  initialState,
  input,
  isUnknown,
  type Method,
  type Schedule,
  type Tensor,
  TpError,
  type Values,
} from '@tp/core'
import { cloneModel, createNode, type Model } from '@tp/onnx'
import type { Block } from './block.ts'
import { eliminateDeadTokens } from './dead-tokens.ts'
import { type Encoder, findEncoder } from './encoder.ts'
import { type InsertedCut, insertAt } from './insert.ts'
import { KeyBias } from './key-bias.ts'
import { poolKept } from './pool-kept.ts'
import { type Named, Program, withEqualSizes } from './program.ts'
import { addProvenance, type PruningStep } from './provenance.ts'
import { type Refusal, Refused, refusalOf } from './refusal.ts'
import { RestorePoint } from './restore.ts'
import { version } from './version.ts'

export interface PruneOptions {
  readonly method: Method
  readonly schedule: Schedule
  /** Positions that must stay: those found by data flow (`auto`, the default), or these. */
  readonly protect?: 'auto' | readonly number[]
  /**
   * Whether removed tokens come back, with the state they left with, before the final norm and the head: `auto` (the
   * default) for outputs that have one row for every token, `all` also before a pooling head, `none` never.
   */
  readonly restore?: 'auto' | 'none' | 'all'
  /** Adds outputs `tp.trace.<block>.indices` (int64 [b,k], original places) and `.valid` (bool [b,k]). */
  readonly trace?: boolean
  /** Also leaves out, exactly, what no output reads. Default true. */
  readonly deadTokens?: boolean
  /** Trained values of the method at each block. */
  readonly params?: (block: number) => Values
  /** SHA-256 of the file, for the record that the pruned file keeps. */
  readonly source?: string
}

export type PruneResult = Pruned | { readonly ok: false; readonly refusal: Refusal }

export interface Pruned {
  readonly ok: true
  readonly model: Model
  readonly blocks: number
  /** Cuts that are in the graph; a cut behind which only class tokens are read is left out with what is dead. */
  readonly cuts: readonly InsertedCut[]
}

/**
 * Makes tokens leave a model between its blocks. The model itself is not changed; weights are shared with the result.
 * A model that cannot be pruned gives a refusal; bad options throw.
 */
export function prune(source: Model, options: PruneOptions): PruneResult {
  try {
    return withEqualSizes(() => pruneModel(source, options))
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

function pruneModel(source: Model, options: PruneOptions): Pruned {
  const { restore = 'auto', deadTokens = true } = options
  const model = cloneModel(source)
  const program = new Program(model)
  const encoder = withClassToken(findEncoder(program), options)
  const before = outputShapes(program)
  const restores = restore === 'all' || (restore === 'auto' && encoder.tokenOutputs.length > 0)
  const point = restores && options.schedule.size > 0 ? new RestorePoint(program, encoder) : undefined
  const cuts = insertCuts(program, encoder, options, point)
  point?.restore(cuts)
  if (options.trace) addTraces(program, cuts)
  program.graph.removeDeadNodes()
  const { graph } = deadTokens ? eliminateDeadTokens(program, encoder, cuts) : program
  graph.removeDeadNodes()
  graph.sortTopologically()
  const left = cuts.filter((cut) => graph.producer(cut.after) !== undefined)
  addProvenance(model, provenanceOf(options, left))
  requireSameOutputs(before, new Program(model), restore === 'none' ? encoder.tokenOutputs : [])
  return { ok: true, model, blocks: encoder.blocks.length, cuts: left }
}

/** A class token that the head does not read by its place has to be named by protecting it. */
function withClassToken(encoder: Encoder, { protect }: PruneOptions): Encoder {
  const named = typeof protect === 'object' ? protect[0] : undefined
  return encoder.classToken === undefined && named !== undefined ? { ...encoder, classToken: named } : encoder
}

function insertCuts(
  program: Program,
  encoder: Encoder,
  options: PruneOptions,
  point: RestorePoint | undefined,
): InsertedCut[] {
  const { method, schedule, protect = 'auto', params = () => ({}) } = options
  checkSchedule(schedule, encoder)
  const [first] = encoder.blocks as [Block]
  const hidden = input(first.site, program.tensor(first.site).dtype, ['B', 'N', 'D'])
  let names: ReadonlyMap<Tensor, string> = new Map([[hidden, first.site]])
  let alive: Tensor | undefined
  if (encoder.mask !== undefined) {
    const mask = input(encoder.mask, program.tensor(encoder.mask).dtype, ['B', 'N'])
    names = new Map([...names, [mask, encoder.mask]])
    alive = cast(mask, 'bool')
  }
  const cuts: InsertedCut[] = []
  const keyBias = new KeyBias(program)
  let state = initialState(hidden, alive, protect === 'auto' ? encoder.fixed : checkProtected(protect, encoder))
  for (const block of encoder.blocks.keys()) {
    const amount: Amount | undefined = schedule.get(block)
    if (amount === undefined && method.carry === undefined) continue
    const inserted = insertAt(program, encoder, {
      method,
      block,
      amount,
      state,
      names,
      params: params(block),
      keyBias,
      end: point?.node,
    })
    state = inserted.state
    names = inserted.names
    if (inserted.cut) cuts.push(inserted.cut)
  }
  const last = cuts.at(-1)
  if (last !== undefined) {
    poolKept(program, last, { isRagged: cuts.some((cut) => cut.ragged), keyBias, end: point?.node })
  }
  return cuts
}

function checkSchedule(schedule: Schedule, encoder: Encoder): void {
  const last = encoder.blocks.length - 1
  const unknown = [...schedule.keys()].find((block) => block > last)
  if (unknown === undefined) return
  throw new TpError('TP_SCHEDULE', 'compiler', `layer ${unknown} does not exist: the model has blocks 0 to ${last}`)
}

function checkProtected(positions: readonly number[], encoder: Encoder): readonly number[] {
  for (const position of positions) {
    if (!Number.isInteger(position) || position < 0) {
      throw new TpError('TP_PROTECT', 'compiler', `protected position ${position} is no index; count tokens from 0`)
    }
    if (typeof encoder.tokens === 'number' && position >= encoder.tokens) {
      throw new TpError(
        'TP_PROTECT',
        'compiler',
        `protected position ${position} does not exist: the model has ${encoder.tokens} tokens`,
      )
    }
  }
  // What the head reads by its place has to stay there, whatever else is asked for.
  return [...new Set([...encoder.required, ...positions])]
}

/** Types and shapes of what a model gives. */
function outputShapes(program: Program): Map<string, Tensor> {
  return new Map(program.graph.outputs.map(({ name }) => [name, program.tensor(name)]))
}

/** The last check: the graph as it is now, inferred anew, gives what it gave before. */
function requireSameOutputs(before: ReadonlyMap<string, Tensor>, program: Program, mayShrink: readonly string[]): void {
  for (const [name, now] of outputShapes(program)) {
    const was = before.get(name)
    if (was === undefined || mayShrink.includes(name) || sameShape(was, now)) continue
    const node = program.graph.producer(name)
    throw new Refused(
      'TP_TOKEN_OUTPUT',
      `the output ${name} was ${was} and would be ${now}: it has rows of tokens that leave before it`,
      node,
    )
  }
}

/** True if what was known of a shape is so still. */
function sameShape(was: Tensor, now: Tensor): boolean {
  if (was.dtype !== now.dtype || !was.hasShape || !now.hasShape) return was.dtype === now.dtype && !was.hasShape
  return was.rank === now.rank && was.dims.every((dim, axis) => isUnknown(dim) || dim === now.dims[axis])
}

/** Adds outputs that say which tokens stayed at each cut. */
function addTraces(program: Program, cuts: readonly InsertedCut[]): void {
  for (const cut of cuts) {
    const name = `${TRACE}.${cut.block}`
    const position = input('position', 'float32', ['B', 'N'])
    const valid = input('valid', 'bool', ['B', 'N'])
    const whole = cut.valid === undefined
    const names = new Map([[position, cut.position], ...(whole ? [] : [[valid, cut.valid as string] as const])])
    const values = [cast(position, 'int64'), whole ? equal(position, position) : valid]
    const written = program.writeAll(values, names, { prefix: `tp/block_${cut.block}` })
    for (const [i, output] of ['indices', 'valid'].entries()) {
      const from = (written[i] as Named).name
      program.graph.insert([
        createNode({ type: 'Identity', name: `${name}.${output}`, inputs: [from], outputs: [`${name}.${output}`] }),
      ])
      program.graph.addOutput(`${name}.${output}`, i === 0 ? 'int64' : 'bool', [undefined, undefined])
    }
  }
}

/** Names of trace outputs begin with it: `tp.trace.3.indices`. */
export const TRACE = 'tp.trace'

function provenanceOf(options: PruneOptions, cuts: readonly InsertedCut[]): PruningStep {
  const schedule = Object.fromEntries([...options.schedule].map(([block, amount]) => [block, amount]))
  return {
    version,
    method: options.method.name,
    schedule,
    ...(options.source !== undefined && { source: options.source }),
    cuts: cuts.map(({ block, before, after, indices, ragged }) => ({ block, before, after, indices, ragged })),
  }
}
