import type { Tensor } from '../expression/tensor.ts'
import type { Values } from '../method/site.ts'
import {
  add,
  and,
  cast,
  cumSum,
  equal,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  not,
  or,
  shape,
  slice,
  squeeze,
  sub,
  sum,
  topK,
  unsqueeze,
  where,
} from '../ops/index.ts'

/** State of the tokens from site to site; every tensor is over the tokens that are present. */
export interface TokenState {
  /** float [B,N]: 1, 2, 3, … in every example. Made once and sliced, which is cheaper than making it at each site. */
  readonly ordinals: Tensor
  /** bool [B,N]; absent: the model has no padding, every token is real */
  readonly attended?: Tensor | undefined
  /** int32 [B,1]: real tokens of each example; absent like `attended` */
  readonly count?: Tensor | undefined
  /** float [B,N]: index in the model's input */
  readonly position: Tensor
  /**
   * float [B,N]: index among the real tokens of the model's input, which does not depend on padding; padding has that of the token
   * upstream of it. Absent: the same as `position`
   */
  readonly place?: Tensor | undefined
  /** float [B,N]: tokens of the input that each stands for; absent: 1 */
  readonly size?: Tensor | undefined
  /** float [B,N]: added to every later score of the token's key; absent: nothing */
  readonly keyBias?: Tensor | undefined
  /** Protected tokens, ascending, as indices among the real tokens of the model's input. */
  readonly protectedTokens: readonly number[]
  /** Further protected tokens, each a float [B,1] or [1,1]: the index, in the model's input, of one token of each example. */
  readonly protectedInputs: readonly Tensor[]
  /** float [B,N]: 1 for tokens of a segment that is protected as a whole, 0 for others; absent: there is none */
  readonly protectedSegment?: Tensor | undefined
  /** float [B,N]: 1 for tokens that are kept whatever later methods choose, and that no amount counts; absent: there is none */
  readonly aside?: Tensor | undefined
  readonly carried: Values
  /** Which values cannot be NaN, by their expressions. */
  readonly numeric?: ReadonlySet<string>
  /** Real tokens come first in every example. */
  readonly isPacked: boolean
  /** There are fewer tokens than in the input. */
  readonly isPruned: boolean
}

/**
 * State before the first site. hidden [B,N,D]; attended bool [B,N] if the model takes padding. A pinned token counts as real
 * whatever the mask says, because it is read. protectedSegment float [B,N].
 */
export function initialState(
  hidden: Tensor,
  mask: Tensor | undefined,
  protectedTokens: readonly number[],
  protectedInputs: readonly Tensor[] = [],
  protectedSegment?: Tensor,
): TokenState {
  // A running sum instead of Range, because it stays on a GPU; x < x is 0 for every x, NaN included.
  const some = squeeze(slice(hidden, { axis: 2, start: 0, end: 1 }), [2])
  const ordinals = cumSum(add(cast(less(some, some), 'float32'), 1), 1)
  const position = sub(ordinals, 1)
  // How many tokens of a segment are kept differs from example to example, so that some slots may hold none.
  const real = mask ?? (protectedSegment && greater(ordinals, 0))
  const attended =
    real && protectedInputs.reduce((attended, protectedInput) => or(attended, equal(position, protectedInput)), real)
  const count = attended && countTokens(attended)
  return {
    ordinals,
    attended,
    count,
    position,
    place: attended && mask && sub(cumSum(cast(attended, 'float32'), 1), 1),
    protectedTokens: [...protectedTokens].sort((a, b) => a - b),
    protectedInputs,
    protectedSegment,
    carried: {},
    isPacked: attended === undefined,
    isPruned: false,
  }
}

/** int64 [1]: tokens of `hidden` [B,N,D], padding included. */
export function tokenCount(hidden: Tensor): Tensor {
  return shape(hidden, { start: 1, end: 2 })
}

/** int32 [B,1]: how many tokens of each example are marked in `some` bool [B,N]. WebGPU has no 64-bit integers. */
export function countTokens(some: Tensor): Tensor {
  return cast(sum(cast(some, 'float32'), 1, { keepDims: true }), 'int32')
}

/** int32 [B,1] (int64 [1] without padding): real tokens of each example. */
export function attendedTokens(state: TokenState, hidden: Tensor): Tensor {
  return state.count ?? tokenCount(hidden)
}

/** bool [B,N]: protected real tokens. */
export function protectedMask(state: TokenState): Tensor {
  const named = protectedPositions(state)
  return state.attended === undefined ? named : and(state.attended, named)
}

/** bool [B,N]: tokens that are protected if they are real. */
export function protectedPositions(state: TokenState): Tensor {
  const { protectedTokens, protectedInputs, protectedSegment, aside, position } = state
  const place = tokenPlace(state)
  const single = [
    ...(isPrefix(protectedTokens) ? [] : runsOf(protectedTokens)).map(([first, last]) =>
      first === last ? equal(place, first) : and(greaterOrEqual(place, first), lessOrEqual(place, last)),
    ),
    ...protectedInputs.map((token) => equal(position, token)),
  ]
  const leading = isPrefix(protectedTokens) && (protectedTokens.length > 0 || protectedInputs.length === 0)
  const groups = [protectedSegment, aside].flatMap((group) => (group === undefined ? [] : [greater(group, 0)]))
  return [...(leading ? [isLeading(state)] : []), ...single, ...groups].reduce((a, b) => or(a, b))
}

/** bool [B,N]: the first real tokens, as many as are protected. These are kept and come first, so that no place is carried along. */
function isLeading({ protectedTokens: { length }, ordinals, place, isPacked }: TokenState): Tensor {
  return isPacked || place === undefined ? lessOrEqual(ordinals, length) : less(place, length)
}

/** float [B,N]: index of each real token among those of the model's input. */
export function tokenPlace({ place, position }: TokenState): Tensor {
  return place ?? position
}

/** Whether any token is protected. */
export function hasProtected(state: TokenState): boolean {
  return state.protectedTokens.length + state.protectedInputs.length > 0 || hasGroups(state)
}

/** Whether examples protect groups of tokens, each as many as it has. */
export function hasGroups({ protectedSegment, aside }: TokenState): boolean {
  return protectedSegment !== undefined || aside !== undefined
}

/** The largest number of protected tokens of an example; int32 [B,1] where groups are, whose size is the example's own. */
export function protectedCount(state: TokenState): number | Tensor {
  if (hasGroups(state)) return countTokens(protectedMask(state))
  return state.protectedTokens.length + state.protectedInputs.length
}

/**
 * Where a protected or pinned token is among those that are present: a number, or int64 [B,1] where that differs from example to
 * example. A number is an index among the real tokens of the model's input, a tensor one among all.
 */
export function slotOf(token: number | Tensor, state: TokenState): number | Tensor {
  const { protectedTokens, position, isPacked, place } = state
  const isThere = isPacked || place === undefined
  if (typeof token === 'number' && isThere && (isPrefix(protectedTokens) || !protectedTokens.includes(token)))
    return token
  // The first of those with one place is the real one.
  const found = cast(equal(typeof token === 'number' ? tokenPlace(state) : position, token), 'float32')
  // A sort of [B,N,1] instead of an argMax: what gathers by its result needs the last axis again, and a GPU cannot add it.
  return squeeze(topK(unsqueeze(found, [2]), 1, { axis: 1 }).indices, [2])
}

/** float [B,N]: 0, 1, 2, … in every example. */
export function tokenIndex({ ordinals }: TokenState): Tensor {
  return sub(ordinals, 1)
}

/** float [B,N]: tokens of the input that each stands for. */
export function tokenSizes({ size, ordinals }: TokenState): Tensor {
  return size ?? add(cast(less(ordinals, 0), 'float32'), 1)
}

/** Ascending numbers as runs, each from its first to its last one: detection tokens are a hundred in one. */
function runsOf(numbers: readonly number[]): [first: number, last: number][] {
  const runs: [number, number][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === number - 1) run[1] = number
    else runs.push([number, number])
  }
  return runs
}

function isPrefix(protectedTokens: readonly number[]): boolean {
  return protectedTokens.every((token, i) => token === i)
}

/** Whether the protected tokens are the first ones of every example. */
function areFirst(state: TokenState): boolean {
  return isPrefix(state.protectedTokens) && state.protectedInputs.length === 0 && !hasGroups(state)
}

/** How many tokens are protected, where these are the first ones and every token is real. */
export function leadingTokens(state: TokenState): number | undefined {
  return state.attended === undefined && areFirst(state) ? state.protectedTokens.length : undefined
}

/** float [B,N]: ordinal of each token among the real ones, from 0, protected ones first. */
export function tokenPositions(state: TokenState): Tensor {
  const { ordinals, attended, isPacked } = state
  if (isPacked && areFirst(state)) return sub(ordinals, 1)
  const isProtected = protectedMask(state)
  const first = cast(isProtected, 'float32')
  const others = cast(attended === undefined ? not(isProtected) : and(attended, not(isProtected)), 'float32')
  const unprotected = add(cumSum(others, 1), sum(first, 1, { keepDims: true }))
  return sub(where(isProtected, cumSum(first, 1), unprotected), 1)
}
