import { type Schedule, TpError } from '@tp/core'
import { checkSchedule } from '@tp/core/host'
import { cloneModel, Graph, type Model } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { chooseEncoders, type FoundEncoder, findEncoders } from '../analyze/find-encoders.ts'
import { type Opened, openModel } from '../normalize/open.ts'
import { addChosenOn } from '../program/chosen-on.ts'
import { writeKnownSizes } from '../program/known-sizes.ts'
import type { Program } from '../program/program.ts'
import { addProvenance, type PruningStep } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { version } from '../program/version.ts'
import { checkOutputs, outputShapes } from './check-outputs.ts'
import type { InsertedCut } from './cut.ts'
import { countsAfter, leaveOutDeadTokens, readsOnePosition } from './dead-tokens.ts'
import { addExtraOutputs } from './extra-outputs.ts'
import { foldOpened } from './fold.ts'
import { insertCuts, sitesOf } from './insert-cuts.ts'
import { KeyBias } from './key-bias.ts'
import { countKeptInPools } from './pool-kept.ts'
import { protectedIndices } from './protected-indices.ts'
import { type NamedEncoder, PRUNE_DEFAULTS, type PruneOptions } from './prune-options.ts'
import type { Pruning } from './pruning.ts'
import { repeatSilence } from './repeat-silence.ts'
import { insertRestorePoints, restoreTokens } from './restore.ts'
import { Returning } from './returning.ts'
import { findReadTokens } from './token-reads.ts'

/** A model with its tokens pruned. */
export interface PrunedModel {
  readonly model: Model
  /** Of all encoders that were pruned. */
  readonly layerCount: number
  /** Cuts that are in the graph; a cut after which only class tokens are read is removed with the dead tokens. */
  readonly cuts: readonly InsertedCut[]
  /** The same for each encoder. */
  readonly encoders: readonly PrunedEncoder[]
}

export interface PrunedEncoder extends NamedEncoder {
  readonly schedule: Schedule
  readonly cuts: readonly InsertedCut[]
}

/**
 * Prunes the encoders that the options name.
 * @param opened the model, with the outputs that are kept
 * @throws Refused; TpError TP_SCHEDULE, TP_PROTECT, TP_METHOD, TP_ENCODER
 */
export function pruneModel(opened: Opened, found: readonly FoundEncoder[], options: PruneOptions): PrunedModel {
  const [first, ...others] = chooseEncoders(found, options.encoder)
  const named = found.length > 1
  const several = others.length > 0
  const among = found.flatMap((each) => ('encoder' in each ? [each.name] : []))
  const pruneNext = (current: Opened, encoder: Encoder): PrunedEncoder => {
    try {
      return pruneEncoder(current, encoder, options, { named, several, among })
    } catch (error) {
      throw several && error instanceof Refused ? error.of(encoder.name) : error
    }
  }
  const encoders = [pruneNext(opened, first)]
  let { model } = opened.program
  for (const { name } of others) {
    const next = openModel(model)
    const [encoder] = chooseEncoders(findEncoders(next.program), name)
    encoders.push(pruneNext(next, encoder))
    model = next.program.model
  }
  addChosenOn(model, options.chosenOn ?? '')
  const layerCount = encoders.reduce((sum, encoder) => sum + encoder.layerCount, 0)
  return { model, layerCount, cuts: encoders.flatMap(({ cuts }) => cuts), encoders }
}

interface OtherEncoders {
  /** There are other encoders in the file. */
  readonly named: boolean
  /** Others are pruned in the same way. */
  readonly several: boolean
  /** Names of all that can be pruned. */
  readonly among: readonly string[]
}

function pruneEncoder(
  { program, expansions }: Opened,
  found: Encoder,
  options: PruneOptions,
  { named, several, among }: OtherEncoders,
): PrunedEncoder {
  const { name } = found
  const encoder = withClassToken(found, options)
  const about: NamedEncoder = { name, layerCount: encoder.layers.length, open: encoder.open }
  const own = typeof options.schedule === 'function' ? options.schedule({ ...about, among }) : options.schedule
  const amounts = checkSchedule(own, encoder.depth)
  requireOpenLayers(amounts, encoder)
  const sites = sitesOf(encoder, options.method) - (isLastSiteIdle(program, encoder, options) ? 1 : 0)
  const schedule = new Map([...amounts].filter(([layer]) => layer < sites))
  const actsBefore = options.method.before !== undefined && amounts.size > 0
  const pruning: Pruning = {
    program,
    options,
    isOneOfSeveral: several,
    schedule,
    cutLayers: new Set([...(actsBefore ? [encoder.open] : []), ...schedule.keys()]),
    outputs: outputShapes(program),
    protectedTokens: protectedIndices(encoder, options.protect ?? PRUNE_DEFAULTS.protect),
    keyBias: new KeyBias(program),
    returning: new Returning(options.method),
    encoder,
    points: [],
    fill: 'state',
    atOutputs: false,
    cuts: [],
    positions: [],
    compact: [],
  }
  insertRestorePoints(pruning)
  insertCuts(pruning)
  if (pruning.cuts.some(({ bySignal }) => bySignal)) repeatSilence(program, encoder)
  countKeptInPools(pruning)
  findReadTokens(pruning)
  restoreTokens(pruning)
  addExtraOutputs(pruning)
  leaveOutDeadTokens(pruning)
  foldOpened(program, expansions)
  if (options.deadTokens ?? PRUNE_DEFAULTS.deadTokens) {
    program.refresh(countsAfter(program, encoder, pruning.cuts))
    writeKnownSizes(program)
  }
  checkOutputs(pruning)
  // Where nothing was pruned nor eliminated there is nothing to remember.
  if (pruning.cuts.length > 0 || pruning.weighed !== undefined || (options.deadTokens ?? PRUNE_DEFAULTS.deadTokens)) {
    const step = provenanceOf(pruning)
    addProvenance(program.model, named ? { ...step, encoder: name } : step)
  }
  return { ...about, schedule: amounts, cuts: pruning.cuts }
}

/** In a last layer that computes only the class token none can be pruned; nor is it worth while where dead-token elimination will make it so. */
function isLastSiteIdle(program: Program, encoder: Encoder, options: PruneOptions): boolean {
  const { restore = PRUNE_DEFAULTS.restore, deadTokens = PRUNE_DEFAULTS.deadTokens, trace } = options
  return deadTokens && !trace && restore !== 'all' && readsOnePosition(program, encoder)
}

/** A class token that the head does not read by position has to be named by protecting it. */
function withClassToken(encoder: Encoder, { protect }: PruneOptions): Encoder {
  const named = typeof protect === 'object' ? protect[0] : undefined
  const reads = encoder.classToken !== undefined || encoder.positionReads.length > 0
  return reads || named === undefined ? encoder : { ...encoder, classToken: named }
}

function requireOpenLayers(schedule: Schedule, { depth, open }: Encoder): void {
  const last = depth - 1
  const early = [...schedule.keys()].find((layer) => layer < open)
  if (early === undefined) return
  const reason = `tokens are pruned at layer ${open - 1} already, so none can be at layer ${early}`
  const advice = open > last ? 'there is no layer after it' : `name layers from ${open} to ${last}`
  throw new Refused('TP_PRUNED', `${reason}; ${advice}, or prune the file it was made from`)
}

/**
 * A model with these outputs alone, and without all that only the others need.
 * @throws TpError TP_OUTPUT for a name that is not an output's, or if none is named
 */
export function keepOutputs(source: Model, names: readonly string[]): Model {
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

function provenanceOf({
  encoder,
  schedule,
  protectedTokens,
  cuts,
  points,
  fill,
  atOutputs,
  weighed,
  options,
}: Pruning): PruningStep {
  const { method, source, protectSegment } = options
  return {
    version,
    method: method.name,
    layerCount: encoder.depth,
    schedule: Object.fromEntries(schedule),
    ...(source !== undefined && { source }),
    protectedTokens,
    ...(protectSegment !== undefined && { protectedSegment: protectSegment }),
    ...(method.returns && cuts.length > 0 && { returns: true as const }),
    cuts: cuts.map(({ layer, site, before, after, indices, ragged, valid, size, keyBias }) => ({
      layer,
      ...(site === 'input' && { site }),
      before,
      after,
      indices,
      ragged,
      ...(ragged && valid !== undefined && { valid }),
      ...(keyBias !== undefined && { keyBias }),
      merged: size !== undefined,
      ...(size !== undefined && { size }),
    })),
    ...(points.length > 0 &&
      cuts.length > 0 && { restored: points.map(({ from, to, before }) => ({ from, to, before })) }),
    ...(points.length > 0 && cuts.length > 0 && fill !== 'state' && { filled: fill }),
    ...(points.length > 0 && cuts.length > 0 && atOutputs && { atOutputs }),
    ...(weighed && { weighed }),
  }
}
