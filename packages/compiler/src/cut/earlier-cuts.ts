import { cast, gatherND, input, type Method, not, type Tensor } from '@tp/core'
import { countTokens, initialState, type TokenState } from '@tp/core/host'
import { cloneModel, type Model } from '@tp/onnx'
import { viewBatchFirst } from '../find/batch-first.ts'
import { decideBranches } from '../find/branches.ts'
import type { Encoder } from '../find/encoder.ts'
import { readRowByRow } from '../find/flat-reads.ts'
import { inputAfter, type Layer } from '../find/layer.ts'
import { Program } from '../follow/program.ts'
import { positionKey, writePosition } from '../follow/token-positions.ts'
import { unfuse } from '../fused/unfuse.ts'
import { isPacked } from '../pack/packed-files.ts'
import { Refused } from '../refusal.ts'
import { requireModel } from '../require-model.ts'
import { protectInput } from './protect-input.ts'
import {
  type CutRecord,
  countNames,
  type PruningStep,
  type RestoredRecord,
  readProvenance,
  stepsOf,
} from './provenance.ts'

/** What prunings that a file has gone through have left for a further one to build on. */
export interface EarlierCuts {
  /** In the order of their layers; at least one. */
  readonly cuts: readonly CutRecord[]
  /** Behind it tokens may leave again. */
  readonly last: CutRecord
  /** Positions that no earlier cut could take away. */
  readonly protectedTokens: readonly number[]
  /** Where tokens of the last pruning come back, and where all of them are there again, in front of the head. */
  readonly restored: { readonly points: readonly RestoredRecord[]; readonly to: string } | undefined
  /** Name of a method that brought tokens back between the layers. */
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
 * A layer behind an earlier cut at its input, with the stream that the cut was made in as its input: that one has the tokens
 * of the layer before.
 */
export function withWholeInput(program: Program, layer: Layer): Layer {
  const cut = readProvenance(program.model)
    .flatMap(({ cuts }) => cuts)
    .find(({ site, after }) => site === 'input' && after === layer.input)
  return cut === undefined || !program.graph.has(cut.before) ? layer : { ...layer, input: cut.before }
}

/** The first layers that attend from all tokens to all tokens, or the one whose tokens an earlier cut has taken first. */
export function layersBefore(earlier: EarlierCuts | undefined, layers: readonly Layer[]): readonly Layer[] {
  const [first] = earlier?.cuts ?? []
  if (first === undefined) return layers
  return layers.slice(0, Math.max(1, first.site === 'input' ? first.layer : first.layer + 1))
}

/**
 * Earlier cuts among the layers of one encoder.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function earlierCuts(program: Program, name: string, layers: readonly Layer[]): EarlierCuts | undefined {
  const steps = stepsOf(program.model, name).filter(({ cuts }) => cuts.length > 0)
  const cuts = steps.flatMap((step) => step.cuts).sort((a, b) => a.layer - b.layer)
  const [first, last] = [steps[0], cuts.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const isThere = (name: string): boolean => program.graph.has(name)
  const lost = cuts.find(
    ({ layer, site, before, after, indices }) =>
      (layer === layers.length && site === 'input' ? inputAfter(program, layers) : layers[layer]?.[site ?? 'site']) !==
        before ||
      ![after, indices].every(isThere) ||
      !program.before(after).has(before),
  )
  const restored = restoredBy(steps)
  if (lost !== undefined) throw recordLost(lost)
  if (restored !== undefined && ![restored.to, ...restored.points.map(({ from }) => from)].every(isThere))
    throw recordLost(last)
  const protectedTokens = first.protectedTokens.filter((position) =>
    steps.every((step) => step.protectedTokens.includes(position)),
  )
  return {
    cuts,
    last,
    protectedTokens,
    restored,
    returning: steps.find(({ returns }) => returns)?.method,
    weighted: cuts.some(({ ragged, merged }) => ragged || merged),
  }
}

/**
 * What builds on the tokens that earlier cuts have kept cannot where these come back between the layers.
 * @throws Refused TP_PRUNED
 */
export function requireNoReturn(earlier: EarlierCuts | undefined): void {
  if (earlier?.returning === undefined) return
  const reason = `${earlier.returning} brings tokens back between the layers, so that no layer is behind all of it`
  throw new Refused('TP_PRUNED', `${reason}; prune the file it was made from`)
}

/** Tokens of the last pruning come back first, those of the first one last. */
function restoredBy(steps: readonly PruningStep[]): EarlierCuts['restored'] {
  const restoring = steps.flatMap(({ restored }) => (restored === undefined ? [] : [restored]))
  const [points, to] = [restoring.at(-1), restoring[0]?.at(-1)?.to]
  return points === undefined || to === undefined ? undefined : { points, to }
}

function recordLost({ layer }: CutRecord): Refused {
  const seen = `tokens leave this model at layer ${layer}, and the graph is not the one that its record of this describes`
  return new Refused('TP_PRUNED', `${seen}; prune the file it was made from`)
}

/** What travels with the tokens at the first layer where they may leave, and the values of the graph that it stands for. */
export interface Start {
  readonly state: TokenState
  readonly names: ReadonlyMap<Tensor, string>
  /** For each read of a single token: the value that holds its place, see {@link writePlace}. */
  readonly positions: readonly string[]
}

export interface StartOptions {
  /** Positions that cannot leave. */
  readonly protectedTokens: readonly number[]
  /** Of the method. */
  readonly site: Method['site']
  /** One more place of each example is an input of the model. */
  readonly protectInput?: boolean | undefined
}

/** State of the tokens before the first cut to be made. */
export function startOf(program: Program, encoder: Encoder, options: StartOptions): Start {
  const { protectedTokens, site = 'attention' } = options
  const { earlier, mask } = encoder
  const [first] = encoder.layers as [Layer]
  const names = new Map<Tensor, string>()
  const value = (name: string, dims: Tensor['dims']): Tensor => {
    const placeholder = input(name, program.tensor(name).dtype, dims)
    names.set(placeholder, name)
    return placeholder
  }
  // The site has fewer tokens where some left at the first layer's input.
  const hidden = value(site === 'input' || earlier !== undefined ? first.input : first.site, ['B', 'N', 'D'])
  const attended = mask === undefined ? undefined : attendedTokens(value(mask, ['B', 'N']), encoder)
  const protectedInputs = new Map<string, Tensor>()
  for (const { position } of encoder.positionReads) {
    if (protectedInputs.has(positionKey(position))) continue
    const { name, tensor } = writePosition(program, first.input, position)
    protectedInputs.set(positionKey(position), value(name, tensor.dims[0] === 1 ? [1, 1] : ['B', 1]))
  }
  const asked = options.protectInput ? [value(protectInput(program, encoder).name, ['B', 1])] : []
  const state = initialState(hidden, attended, protectedTokens, [...protectedInputs.values(), ...asked])
  const positions = encoder.positionReads.map(
    ({ position }) => names.get(protectedInputs.get(positionKey(position)) as Tensor) as string,
  )
  if (earlier === undefined) return { state, names, positions }

  const { cuts, last } = earlier
  const kept = (x: Tensor): Tensor => keptBy(x, cuts, value)
  const attending = realBehind(program, state.attended, cuts, value)
  const { ordinals } = initialState(value(last.after, ['B', 'N', 'D']), undefined, protectedTokens)
  // Written at once, so that what follows can be named after the tokens that are left.
  const expressions = [kept(state.position), ...(attending === undefined ? [] : [attending])]
  const dims = expressions.map(() => program.tensor(last.after).dims.slice(0, 2))
  const [position, real] = program.writeAll(expressions, names, { prefix: 'tp/start', dims }).map(({ name }) => name)
  const now = real === undefined ? undefined : value(real, ['B', 'N'])
  return {
    state: {
      ...state,
      ordinals,
      attended: now,
      count: now && countTokens(now),
      position: value(position as string, ['B', 'N']),
      isPacked: true,
    },
    names,
    positions,
  }
}

/** A value of the graph as an operand of expressions. */
type ValueOf = (name: string, dims: Tensor['dims']) => Tensor

/** bool [B,N]: which tokens the model's mask [B,N] says are real. */
export function attendedTokens(mask: Tensor, { maskMarksPadding }: Encoder): Tensor {
  const marks = cast(mask, 'bool')
  return maskMarksPadding ? not(marks) : marks
}

/**
 * bool [B,K]: which tokens behind some cuts are real, if that is not all of them. `real` bool [B,N]: in front of them.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function realBehind(
  program: Program,
  attended: Tensor | undefined,
  cuts: readonly CutRecord[],
  value: ValueOf,
): Tensor | undefined {
  const valid = cuts.findLast((cut) => cut.valid !== undefined)
  if (valid === undefined) return attended && keptBy(attended, cuts, value)
  if (!program.graph.has(valid.valid as string)) throw recordLost(valid)
  const those = value(valid.valid as string, ['B', `N${valid.layer}`])
  return keptBy(those, cuts.slice(cuts.indexOf(valid) + 1), value)
}

/** x [B,N] → [B,K]: of the tokens that some cuts keep. */
function keptBy(x: Tensor, cuts: readonly CutRecord[], value: ValueOf): Tensor {
  return cuts.reduce((now, { indices, layer }) => gatherND(now, value(indices, ['B', `N${layer}`, 1]), 1), x)
}
