import { cast, gatherND, input, type Method, not, type Tensor } from '@tp/core'
import { countTokens, initialState, type TokenState } from '@tp/core/host'
import { recordLost } from '../analyze/earlier-cuts.ts'
import type { Encoder } from '../analyze/encoder.ts'
import type { Block } from '../analyze/layer.ts'
import { placeKey } from '../operators/token-position.ts'
import type { Program } from '../program/program.ts'
import type { CutRecord } from '../program/provenance.ts'
import { protectInput } from './protect-input.ts'
import { writePlace } from './token-reads.ts'

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
  const attending = realBehind(program, state.alive, cuts, value)
  const { ordinals } = initialState(value(last.after, ['B', 'N', 'D']), undefined, fixed)
  // Written at once, so that what follows can be named after the tokens that are left.
  const expressions = [kept(state.position), ...(attending === undefined ? [] : [attending])]
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
