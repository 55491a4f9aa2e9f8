import { argMax, cast, cumSum, equal, gatherND, type Method, max, not, type Tensor, where } from '@tp/core'
import { countTokens, initialState, type TokenState } from '@tp/core/host'
import { type EarlierCuts, recordLost } from '../analyze/earlier-cuts.ts'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import type { TokenPosition } from '../operators/operator.ts'
import { positionKey } from '../operators/token-position.ts'
import { Operands } from '../program/operands.ts'
import type { Named, Program } from '../program/program.ts'
import type { CutRecord } from '../program/provenance.ts'
import { type ProtectedSegment, segmentMask } from './protected-segment.ts'
import { writePosition } from './token-reads.ts'

/**
 * The values that travel with the tokens at the first layer where they may be pruned, and the values of the graph that it
 * stands for.
 */
export interface Start {
  readonly state: TokenState
  readonly names: ReadonlyMap<Tensor, string>
  /** For each read of a single token: the value that holds its position, see {@link writePosition}. */
  readonly positions: readonly string[]
}

export interface StartOptions {
  /** Tokens that are always kept, as indices among the real ones. */
  readonly protectedTokens: readonly number[]
  /** Of the method. */
  readonly site: Method['site']
  /** A segment that is kept as a whole. */
  readonly segment?: ProtectedSegment | undefined
}

/** State of the tokens before the first cut to be made. */
export function startOf(program: Program, encoder: Encoder, options: StartOptions): Start {
  const { protectedTokens, site = 'attention' } = options
  const { earlier, mask } = encoder
  const [first] = encoder.layers as [Layer]
  const { names, value } = new Operands(program)
  // The site has fewer tokens where some were pruned at the first layer's input.
  const hidden = value(site === 'input' || earlier !== undefined ? first.input : first.site, ['B', 'N', 'D'])
  const attended = mask === undefined ? undefined : attendedTokens(value(mask, ['B', 'N']), encoder)
  const protectedInputs = new Map<string, Tensor>()
  for (const { position, amongKept } of encoder.positionReads) {
    if (protectedInputs.has(positionKey(position))) continue
    const { name, tensor } = amongKept
      ? writeKeptPosition(program, encoder, position)
      : writePosition(program, first.input, position)
    protectedInputs.set(positionKey(position), value(name, tensor.dims[0] === 1 ? [1, 1] : ['B', 1]))
  }
  if (encoder.poolsLast) {
    const { name, tensor } = writeLastAttended(program, encoder)
    protectedInputs.set('last attended', value(name, tensor.dims[0] === 1 ? [1, 1] : ['B', 1]))
  }
  const segment = options.segment && segmentMask(program, encoder, options.segment, value)
  const state = initialState(hidden, attended, protectedTokens, [...protectedInputs.values()], segment)
  const positions = encoder.positionReads.map(
    ({ position }) => names.get(protectedInputs.get(positionKey(position)) as Tensor) as string,
  )
  if (earlier === undefined) return { state, names, positions }

  const { cuts, last } = earlier
  const kept = (x: Tensor): Tensor => keptBy(x, cuts, value)
  const attending = attendedAfter(program, state.attended, cuts, value)
  const { ordinals } = initialState(value(last.after, ['B', 'N', 'D']), undefined, protectedTokens)
  // Written at once, so that what follows can be named after the kept tokens.
  const known = [attending, state.place && kept(state.place), segment && kept(segment)]
  const expressions = [kept(state.position), ...known.filter((own) => own !== undefined)]
  const dims = expressions.map(() => program.tensor(last.after).dims.slice(0, 2))
  const written = program
    .writeAll(expressions, names, { prefix: 'tp/start', dims })
    .map(({ name }) => value(name, ['B', 'N']))
  const [position, ...others] = written as [Tensor, ...Tensor[]]
  const [now, place, protectedSegment] = known.map((own) => own && others.shift())
  return {
    state: {
      ...state,
      ordinals,
      attended: now,
      count: now && countTokens(now),
      position,
      place,
      protectedSegment,
      isPacked: true,
      isPruned: true,
    },
    names,
    positions,
  }
}

/** The index in the model's input of the token at a position among those that earlier cuts have kept, as {@link writePosition} writes it. */
function writeKeptPosition(program: Program, { layers, earlier, batch }: Encoder, position: TokenPosition): Named {
  const [{ input }, { cuts, last }] = [layers[0] as Layer, earlier as EarlierCuts]
  const { names, value } = new Operands(program)
  const slot = writePosition(program, last.after, position)
  const slots = initialState(value(last.after, ['B', `N${cuts.length - 1}`, 'D']), undefined, []).position
  const inInput = keptBy(initialState(value(input, ['B', 'N', 'D']), undefined, []).position, cuts, value)
  const isThere = equal(slots, value(slot.name, slot.tensor.dims[0] === 1 ? [1, 1] : ['B', 1]))
  const found = max(where(isThere, inInput, -1), 1, { keepDims: true })
  return program.write(found, names, { prefix: 'tp/position', dims: [[batch, 1]] })
}

/** The position of the last attended token of each example, as {@link writePosition} writes it. */
export function writeLastAttended(program: Program, encoder: Encoder): Named {
  const { mask, layers } = encoder
  const stream = (layers[0] as Layer).input
  if (mask === undefined) return writePosition(program, stream, { fromEnd: 1 })
  const { names, value } = new Operands(program)
  const attended = cast(attendedTokens(value(mask, ['B', 'N']), encoder), 'int32')
  const last = cast(argMax(cumSum(attended, 1), 1, { keepDims: true }), 'float32')
  return program.write(last, names, { prefix: 'tp/last', dims: [[encoder.batch, 1]] })
}

/** A value of the graph as an operand of expressions. */
type ValueOf = (name: string, dims: Tensor['dims']) => Tensor

/** bool [B,N]: which tokens the model's mask [B,N] says are real. */
export function attendedTokens(mask: Tensor, { maskMarksPadding }: Encoder): Tensor {
  const marks = cast(mask, 'bool')
  return maskMarksPadding ? not(marks) : marks
}

/**
 * bool [B,K]: which tokens are attended downstream of some cuts, if that is not all of them. `attended` bool [B,N]: upstream of them.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function attendedAfter(
  program: Program,
  attended: Tensor | undefined,
  cuts: readonly CutRecord[],
  value: ValueOf,
): Tensor | undefined {
  const valid = cuts.findLast((cut) => cut.valid !== undefined)
  if (valid === undefined) return attended && keptBy(attended, cuts, value)
  if (!program.graph.has(valid.valid as string)) throw recordLost(valid)
  const those = value(valid.valid as string, ['B', `N${cuts.indexOf(valid)}`])
  return keptBy(those, cuts.slice(cuts.indexOf(valid) + 1), value)
}

/** x [B,N] → [B,K]: of the tokens that some cuts keep. */
function keptBy(x: Tensor, cuts: readonly CutRecord[], value: ValueOf): Tensor {
  return cuts.reduce((now, { indices }, i) => gatherND(now, value(indices, ['B', `N${i}`, 1]), 1), x)
}
