import { TpError } from '../errors.ts'
import type { Budget, Method, Reduction, Site, Spec, Values } from '../method.ts'
import { add, and, cast, equal, greater, less, log, mean, or, squeeze, transpose, unsqueeze } from '../ops/index.ts'
import { receivedFrom } from '../received.ts'
import type { Amount } from '../schedule.ts'
import type { Tensor } from '../tensor.ts'
import { assume } from './assume.ts'
import { isSigned, reducesAt } from './at-block.ts'
import { compact, type Kept, type Slots } from './compact.ts'
import { type Merged, merge } from './merge.ts'
import { requireReturnable } from './returning.ts'
import { keptTokens, type Rule, select } from './select.ts'
import { type Shares, sharesOf } from './shares.ts'
import {
  fixedCount,
  fixedTokens,
  realTokens,
  slotOf,
  type TokenState,
  tokenCount,
  tokenIndex,
  tokenPlaces,
  tokenSizes,
} from './state.ts'

/** What an encoder gives of one block. Getters are called only if the method looks, and may refuse by throwing. */
export interface SiteSource {
  readonly block: number
  readonly blocks: number
  /** [B,N,D] where tokens may leave */
  readonly hidden: Tensor
  /** [B,H,N,Dh] */
  query(): Tensor
  key(): Tensor
  value(): Tensor
  /** [B,H,N,N] */
  attention(): Tensor
  /** rows int64 [B,Q] or one row by number → [B,H,Q,N], computed from queries and keys */
  attentionFrom(rows: Tensor | number): Tensor
  /** The class token by its index in the model's input, where that differs from row to row as float [B,1] or [1,1]. */
  classToken(): number | Tensor
}

export interface ReduceOptions {
  readonly method: Method
  readonly source: SiteSource
  /** State of the tokens at this site, every tensor over this site's B and N. */
  readonly state: TokenState
  /** Absent: the method only observes. */
  readonly amount?: Amount | undefined
  readonly params?: Values | undefined
}

/** The tokens that stay, and what they have become. */
export interface Cut extends Slots {
  /** hidden [B,N,D] → [B,K,D], with what was merged into each token */
  states(hidden: Tensor): Tensor
  /** bool [B,K]: not what became of the slot's token, but of all that left; absent where there is none */
  readonly fused?: Tensor | undefined
  /** [B,N]: the score that the schedule's rule was applied to; absent where the method chose by no score */
  readonly score?: Tensor | undefined
  /** What stays of each row, and of its score; not part of the cut itself. */
  shares(): Shares
}

/** What a method does at one site. */
export interface Reduced {
  /** Absent where nothing leaves: the method only observed, or kept what is alive. */
  readonly cut?: Cut
  /** State after the site, over the tokens that stay; dims are named B and N again. */
  readonly state: TokenState
}

/**
 * Runs a method at one site: builds the expressions that choose the tokens and that compact what travels along.
 * @throws TpError TP_SCHEDULE if the method cannot follow the amount's rule
 */
export function reduceTokens({ method, source, state, amount, params = {} }: ReduceOptions): Reduced {
  if (amount?.kind === 'mass' && isSigned(method, source.block)) {
    const reason = 'its scores may be negative, so a share of their sum means nothing; give keep, tokens or threshold'
    throw new TpError('TP_SCHEDULE', method.name, reason)
  }
  if (amount !== undefined && method.returns) requireReturnable(method, amount)
  const { hidden } = source
  const started = startedState(method, state)
  const rule: Rule | undefined = amount && {
    amount,
    fixed: fixedCount(state),
    pairs: reducesAt(method, source.block) === 'pair',
  }
  const selected = new Map<Tensor, Selected>()
  const budget = rule && makeBudget(rule, started, hidden, selected)
  const site = makeSite(source, started, budget, params)
  const reduction = method.reduce(site)
  const carried = { ...started.carried, ...reduction.carry }
  if (rule === undefined || reduction.keep === site.alive) return { state: { ...started, carried } }

  if (method.returns && reduction.into !== undefined) {
    throw new TpError('TP_METHOD', method.name, 'tokens that come back cannot be merged into others')
  }
  // What `select` gave obeys already; any other choice is made to.
  const choice = selected.get(reduction.keep)
  const keep = choice === undefined ? obey(reduction.keep, started) : reduction.keep
  const kept = choice === undefined ? undefined : keptBy(rule, started, hidden, choice.extra)
  const score = isSigned(method, source.block) ? undefined : choice?.score
  const slots = compact({
    keep,
    kept,
    order: reduction.order,
    state: started,
    hidden,
    needsRest: reduction.into !== undefined,
  })
  const merged = merge(reduction, keep, started, slots)
  return {
    cut: {
      ...slots,
      states: merged.states,
      fused: merged.fused,
      score: choice?.score,
      shares: () => sharesOf(score, keep, started),
    },
    state: compactState(started, { carried, slots, merged, reduction }),
  }
}

/** How many tokens a rule keeps that does not look at the scores. */
function keptBy(rule: Rule, state: TokenState, hidden: Tensor, extra: number): Kept | undefined {
  const rows = keptTokens(realTokens(state, hidden), rule, extra)
  const width = keptTokens(tokenCount(hidden), rule, extra)
  return rows && width && { rows, width }
}

/** What `select` was asked for: the score [B,N] and how many extra tokens. */
interface Selected {
  readonly score: Tensor
  readonly extra: 0 | 1
}

/** `selected`: what `select` gave, by its result. */
function makeBudget(rule: Rule, state: TokenState, hidden: Tensor, selected: Map<Tensor, Selected>): Budget {
  const kept = keptTokens(realTokens(state, hidden), rule)
  return {
    ...(kept && { keep: squeezeRow(cast(kept, 'float32')) }),
    select(score, extra = 0) {
      const keep = select(score.dtype === 'float32' ? score : cast(score, 'float32'), rule, state, hidden, extra)
      selected.set(keep, { score, extra })
      return keep
    },
  }
}

/** [B,1] → [B]; [1] stays, it broadcasts. */
function squeezeRow(x: Tensor): Tensor {
  return x.rank === 2 ? squeeze(x, [1]) : x
}

export function makeSite(source: SiteSource, state: TokenState, budget: Budget | undefined, param: Values): Site {
  const { hidden } = source
  return {
    block: source.block,
    blocks: source.blocks,
    // Whatever precision the model has, methods compute in one: sums over hundreds of half-precision numbers would lose what
    // tells tokens apart, and no method has to bring types together.
    get hidden() {
      return cast(hidden, 'float32')
    },
    get query() {
      return cast(source.query(), 'float32')
    },
    get key() {
      return cast(source.key(), 'float32')
    },
    get value() {
      return cast(source.value(), 'float32')
    },
    get attention() {
      return cast(source.attention(), 'float32')
    },
    attentionFrom: (rows) => cast(source.attentionFrom(rows), 'float32'),
    get clsAttention() {
      return cast(squeeze(source.attentionFrom(slotOf(source.classToken(), state)), [2]), 'float32')
    },
    get received() {
      return received(cast(source.attention(), 'float32'), state)
    },
    alive: state.alive ?? greater(state.ordinals, 0),
    get fixed() {
      return fixedTokens(state)
    },
    position: state.position,
    get index() {
      return tokenIndex(state)
    },
    get place() {
      return tokenPlaces(state)
    },
    get size() {
      return tokenSizes(state)
    },
    get count() {
      return squeezeRow(cast(realTokens(state, hidden), 'float32'))
    },
    ...(budget && { budget }),
    param,
    carried: state.carried,
  }
}

/** attention [B,H,N,N] → [B,N]: mean over real query rows and heads. */
function received(attention: Tensor, { alive }: TokenState): Tensor {
  return alive === undefined ? mean(mean(attention, 2), 1) : receivedFrom(attention, cast(alive, attention.dtype))
}

function obey(keep: Tensor, state: TokenState): Tensor {
  const real = state.alive === undefined ? keep : and(state.alive, keep)
  return or(fixedTokens(state), real)
}

interface Compacted {
  readonly carried: Values
  readonly slots: Slots
  readonly merged: Merged
  readonly reduction: Reduction
}

function compactState(state: TokenState, { carried, slots, merged, reduction }: Compacted): TokenState {
  const named = (x: Tensor): Tensor => assume(x, ['B', 'N'])
  const size = merged.size && named(merged.size)
  const keyBias =
    reduction.proportional && size !== undefined ? log(size) : state.keyBias && named(slots.take(state.keyBias))
  const kept = Object.entries(carried).map(([name, x]) => [name, takeCarried(x, slots)] as const)
  return {
    ...state,
    ordinals: named(slots.ordinals),
    alive: slots.valid && named(slots.valid),
    count: slots.count,
    position: named(slots.take(state.position)),
    size,
    keyBias,
    carried: Object.fromEntries(kept),
    isPacked: true,
  }
}

/** [B,N] → [B,K]; [B,N,N] → [B,K,K]. */
function takeCarried(x: Tensor, slots: Slots): Tensor {
  if (x.rank === 2) return assume(slots.take(x), ['B', 'N'])
  const rows = transpose(slots.take(x), [0, 2, 1])
  return assume(transpose(slots.take(rows), [0, 2, 1]), ['B', 'N', 'N'])
}

/** The state with what a method carries that no block has written yet. */
export function startedState(method: Method, state: TokenState): TokenState {
  return { ...state, carried: { ...initialCarry(method, state), ...state.carried } }
}

/** State that no block has written yet: the same number for every token, or each token its own row of the identity. */
function initialCarry(method: Method, state: TokenState): Values {
  const row = unsqueeze(state.ordinals, [1])
  const initial = ({ init }: Spec): Tensor =>
    init === 'identity'
      ? cast(equal(row, transpose(row, [0, 2, 1])), 'float32')
      : add(cast(less(state.ordinals, 0), 'float32'), init)
  return Object.fromEntries(Object.entries(method.carry ?? {}).map(([name, spec]) => [name, initial(spec)]))
}
