import {
  cast,
  countTokens,
  gatherND,
  initialState,
  input,
  type Method,
  not,
  type Tensor,
  type TokenState,
} from '@tp/core'
import { cloneModel, type Model } from '@tp/onnx'
import type { Encoder } from '../analyze/find-encoders.ts'
import { type Block, inputAfter } from '../analyze/layer.ts'
import { placeKey, writePlace } from '../operators/token-position.ts'
import { isPacked } from '../program/packed-mark.ts'
import { Program } from '../program/program.ts'
import {
  type CutRecord,
  countNames,
  type PruningStep,
  type RestoredRecord,
  readProvenance,
  stepsOf,
} from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { requireModel } from '../program/require-model.ts'
import { protectInput } from '../transform/protect-input.ts'
import { viewBatchFirst } from './batch-first.ts'
import { decideBranches } from './branches.ts'
import { readRowByRow } from './flat-reads.ts'
import { unfuse } from './unfuse.ts'

/** What prunings that a file has gone through have left for a further one to build on. */
export interface EarlierCuts {
  /** In the order of their blocks; at least one. */
  readonly cuts: readonly CutRecord[]
  /** Behind it tokens may leave again. */
  readonly last: CutRecord
  /** Positions that no earlier cut could take away. */
  readonly fixed: readonly number[]
  /** Where tokens of the last pruning come back, and where all of them are there again, in front of the head. */
  readonly restored: { readonly points: readonly RestoredRecord[]; readonly to: string } | undefined
  /** Name of a method that brought tokens back between the blocks. */
  readonly returning: string | undefined
  /** Fillers or merged tokens: what weighs tokens is in the graph, and cannot be changed any more. */
  readonly weighted: boolean
}

/** A model to work on, its fused operators written out; token counts behind earlier cuts have names of their own. The model itself is not changed. */
export function openProgram(model: Model): Program {
  requireModel(model)
  if (isPacked(model)) {
    throw new Refused(
      'TP_PACKED',
      'the model is packed already; work on the file it was made from, and pack the result',
    )
  }
  const copy = cloneModel(model)
  const empty = copy.proto.graph?.node.find(
    ({ opType, attribute }) => opType === 'Constant' && !attribute.some(({ name }) => /^(sparse_)?value/.test(name)),
  )
  if (empty !== undefined)
    throw new Refused('TP_VALUE', 'the graph cannot be followed: a constant has no contents', empty)
  decideBranches(copy)
  const steps = readProvenance(model)
  const counts = countNames(steps)
  const expansions = unfuse(copy, counts)
  const kept = steps.flatMap(({ cuts }) => cuts)
  const program = new Program(copy, counts, expansions, kept)
  const edited = [readRowByRow(program), viewBatchFirst(program)]
  return edited.includes(true) ? new Program(copy, counts, expansions, kept) : program
}

/**
 * A block behind an earlier cut at its input, with the stream that the cut was made in as its input: that one has the tokens
 * of the block before.
 */
export function withWholeInput(program: Program, block: Block): Block {
  const cut = readProvenance(program.model)
    .flatMap(({ cuts }) => cuts)
    .find(({ place, after }) => place === 'input' && after === block.input)
  return cut === undefined || !program.graph.has(cut.before) ? block : { ...block, input: cut.before }
}

/** The first blocks that attend from all tokens to all tokens, or the one whose tokens an earlier cut has taken first. */
export function blocksBefore(earlier: EarlierCuts | undefined, blocks: readonly Block[]): readonly Block[] {
  const [first] = earlier?.cuts ?? []
  if (first === undefined) return blocks
  return blocks.slice(0, Math.max(1, first.place === 'input' ? first.block : first.block + 1))
}

/**
 * Earlier cuts among the blocks of one encoder.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function earlierCuts(program: Program, name: string, blocks: readonly Block[]): EarlierCuts | undefined {
  const steps = stepsOf(program.model, name).filter(({ cuts }) => cuts.length > 0)
  const cuts = steps.flatMap((step) => step.cuts).sort((a, b) => a.block - b.block)
  const [first, last] = [steps[0], cuts.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const isThere = (name: string): boolean => program.graph.has(name)
  const lost = cuts.find(
    ({ block, place, before, after, indices }) =>
      (block === blocks.length && place === 'input'
        ? inputAfter(program, blocks)
        : blocks[block]?.[place ?? 'site']) !== before ||
      ![after, indices].every(isThere) ||
      !program.before(after).has(before),
  )
  const restored = restoredBy(steps)
  if (lost !== undefined) throw recordLost(lost)
  if (restored !== undefined && ![restored.to, ...restored.points.map(({ from }) => from)].every(isThere))
    throw recordLost(last)
  const fixed = first.fixed.filter((position) => steps.every((step) => step.fixed.includes(position)))
  return {
    cuts,
    last,
    fixed,
    restored,
    returning: steps.find(({ returns }) => returns)?.method,
    weighted: cuts.some(({ ragged, merged }) => ragged || merged),
  }
}

/**
 * What builds on the tokens that earlier cuts have kept cannot where these come back between the blocks.
 * @throws Refused TP_PRUNED
 */
export function requireNoReturn(earlier: EarlierCuts | undefined): void {
  if (earlier?.returning === undefined) return
  const reason = `${earlier.returning} brings tokens back between the blocks, so that no block is behind all of it`
  throw new Refused('TP_PRUNED', `${reason}; prune the file it was made from`)
}

/** Tokens of the last pruning come back first, those of the first one last. */
function restoredBy(steps: readonly PruningStep[]): EarlierCuts['restored'] {
  const restoring = steps.flatMap(({ restored }) => (restored === undefined ? [] : [restored]))
  const [points, to] = [restoring.at(-1), restoring[0]?.at(-1)?.to]
  return points === undefined || to === undefined ? undefined : { points, to }
}

function recordLost({ block }: CutRecord): Refused {
  const seen = `tokens leave this model at block ${block}, and the graph is not the one that its record of this describes`
  return new Refused('TP_PRUNED', `${seen}; prune the file it was made from`)
}

/** What travels with the tokens at the first block where they may leave, and the values of the graph that it stands for. */
export interface Start {
  readonly state: TokenState
  readonly names: ReadonlyMap<Tensor, string>
  /** For each read of a single token: the value that holds its place, see {@link writePlace}. */
  readonly places: readonly string[]
}

export interface StartOptions {
  /** Positions that cannot leave. */
  readonly fixed: readonly number[]
  /** Of the method. */
  readonly place: Method['place']
  /** One more place of each example is an input of the model. */
  readonly protectInput?: boolean | undefined
}

/** State of the tokens before the first cut to be made. */
export function startOf(program: Program, encoder: Encoder, options: StartOptions): Start {
  const { fixed, place = 'attention' } = options
  const { earlier, mask } = encoder
  const [first] = encoder.blocks as [Block]
  const names = new Map<Tensor, string>()
  const value = (name: string, dims: Tensor['dims']): Tensor => {
    const placeholder = input(name, program.tensor(name).dtype, dims)
    names.set(placeholder, name)
    return placeholder
  }
  // The site has fewer tokens where some left at the first block's input.
  const hidden = value(place === 'input' || earlier !== undefined ? first.input : first.site, ['B', 'N', 'D'])
  const alive = mask === undefined ? undefined : realTokens(value(mask, ['B', 'N']), encoder)
  const pins = new Map<string, Tensor>()
  for (const { place } of encoder.placeReads) {
    if (pins.has(placeKey(place))) continue
    const { name, tensor } = writePlace(program, first.input, place)
    pins.set(placeKey(place), value(name, tensor.dims[0] === 1 ? [1, 1] : ['B', 1]))
  }
  const asked = options.protectInput ? [value(protectInput(program, encoder).name, ['B', 1])] : []
  const state = initialState(hidden, alive, fixed, [...pins.values(), ...asked])
  const places = encoder.placeReads.map(({ place }) => names.get(pins.get(placeKey(place)) as Tensor) as string)
  if (earlier === undefined) return { state, names, places }

  const { cuts, last } = earlier
  const kept = (x: Tensor): Tensor => keptBy(x, cuts, value)
  const stays = realBehind(program, state.alive, cuts, value)
  const { ordinals } = initialState(value(last.after, ['B', 'N', 'D']), undefined, fixed)
  // Written at once, so that what follows can be named after the tokens that are left.
  const expressions = [kept(state.position), ...(stays === undefined ? [] : [stays])]
  const dims = expressions.map(() => program.tensor(last.after).dims.slice(0, 2))
  const [position, real] = program.writeAll(expressions, names, { prefix: 'tp/start', dims }).map(({ name }) => name)
  const now = real === undefined ? undefined : value(real, ['B', 'N'])
  return {
    state: {
      ...state,
      ordinals,
      alive: now,
      count: now && countTokens(now),
      position: value(position as string, ['B', 'N']),
      isPacked: true,
    },
    names,
    places,
  }
}

/** A value of the graph as an operand of expressions. */
type ValueOf = (name: string, dims: Tensor['dims']) => Tensor

/** bool [B,N]: which tokens the model's mask [B,N] says are real. */
export function realTokens(mask: Tensor, { maskMarksPadding }: Encoder): Tensor {
  const marks = cast(mask, 'bool')
  return maskMarksPadding ? not(marks) : marks
}

/**
 * bool [B,K]: which tokens behind some cuts are real, if that is not all of them. `real` bool [B,N]: in front of them.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function realBehind(
  program: Program,
  real: Tensor | undefined,
  cuts: readonly CutRecord[],
  value: ValueOf,
): Tensor | undefined {
  const valid = cuts.findLast((cut) => cut.valid !== undefined)
  if (valid === undefined) return real && keptBy(real, cuts, value)
  if (!program.graph.has(valid.valid as string)) throw recordLost(valid)
  const those = value(valid.valid as string, ['B', `N${valid.block}`])
  return keptBy(those, cuts.slice(cuts.indexOf(valid) + 1), value)
}

/** x [B,N] → [B,K]: of the tokens that some cuts keep. */
function keptBy(x: Tensor, cuts: readonly CutRecord[], value: ValueOf): Tensor {
  return cuts.reduce((now, { indices, block }) => gatherND(now, value(indices, ['B', `N${block}`, 1]), 1), x)
}
