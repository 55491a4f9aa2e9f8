import { TpError } from '../errors.ts'
import type { Budget, Method, Site, Spec, Values } from '../method.ts'
import {
  add,
  and,
  cast,
  div,
  equal,
  greater,
  less,
  matmul,
  mean,
  or,
  squeeze,
  sum,
  transpose,
  unsqueeze,
} from '../ops/index.ts'
import type { Amount } from '../schedule.ts'
import type { Tensor } from '../tensor.ts'
import { assume } from './assume.ts'
import { type Cut, compact, type Kept } from './compact.ts'
import { keptTokens, select } from './select.ts'
import { fixedTokens, realTokens, type TokenState, tokenCount } from './state.ts'

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
  /** Index of the class token among the tokens present. */
  classToken(): number
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
  if (method.signed && amount?.kind === 'mass') {
    const reason = 'its scores may be negative, so a share of their sum means nothing; give keep, tokens or threshold'
    throw new TpError('TP_SCHEDULE', method.name, reason)
  }
  const { hidden } = source
  const started = { ...state, carried: { ...initialCarry(method, state), ...state.carried } }
  const selected = new Set<Tensor>()
  const budget: Budget | undefined = amount && makeBudget(amount, started, hidden, selected)
  const site = makeSite(source, started, budget, params)
  const reduction = method.reduce(site)
  const carried = { ...started.carried, ...reduction.carry }
  if (amount === undefined || reduction.keep === site.alive) return { state: { ...started, carried } }

  // What `select` gave obeys already; any other choice is made to.
  const chosen = selected.has(reduction.keep)
  const keep = chosen ? reduction.keep : obey(reduction.keep, started)
  const cut = compact(keep, chosen ? keptBy(amount, started, hidden) : undefined, started, hidden)
  return { cut, state: compactState(started, carried, cut) }
}

/** How many tokens a rule keeps that does not look at the scores. */
function keptBy(amount: Amount, state: TokenState, hidden: Tensor): Kept | undefined {
  const rows = keptTokens(realTokens(state, hidden), amount, state.fixed.length)
  const width = keptTokens(tokenCount(hidden), amount, state.fixed.length)
  return rows && width && { rows, width }
}

function makeBudget(amount: Amount, state: TokenState, hidden: Tensor, selected: Set<Tensor>): Budget {
  const kept = keptTokens(realTokens(state, hidden), amount, state.fixed.length)
  return {
    ...(kept && { keep: squeezeRow(cast(kept, 'float32')) }),
    select(score) {
      const keep = select(score.dtype === 'float32' ? score : cast(score, 'float32'), amount, state, hidden)
      selected.add(keep)
      return keep
    },
  }
}

/** [B,1] → [B]; [1] stays, it broadcasts. */
function squeezeRow(x: Tensor): Tensor {
  return x.rank === 2 ? squeeze(x, [1]) : x
}

function makeSite(source: SiteSource, state: TokenState, budget: Budget | undefined, param: Values): Site {
  const { hidden } = source
  return {
    block: source.block,
    blocks: source.blocks,
    hidden,
    get query() {
      return source.query()
    },
    get key() {
      return source.key()
    },
    get value() {
      return source.value()
    },
    // sums over hundreds of half-precision probabilities would lose what tells tokens apart
    get attention() {
      return cast(source.attention(), 'float32')
    },
    attentionFrom: (rows) => cast(source.attentionFrom(rows), 'float32'),
    get clsAttention() {
      return cast(squeeze(source.attentionFrom(source.classToken()), [2]), 'float32')
    },
    get received() {
      return received(cast(source.attention(), 'float32'), state)
    },
    alive: state.alive ?? greater(state.ordinals, 0),
    get fixed() {
      return fixedTokens(state)
    },
    position: state.position,
    get count() {
      return squeezeRow(cast(realTokens(state, hidden), 'float32'))
    },
    ...(budget && { budget }),
    param,
    carried: state.carried,
  }
}

/**
 * attention [B,H,N,N] → [B,N]: mean over real query rows, then over heads. One axis at a time: reducing both at once
 * takes runtimes 50 times as long.
 */
function received(attention: Tensor, state: TokenState): Tensor {
  if (state.alive === undefined) return mean(mean(attention, 2), 1)
  const real = cast(state.alive, attention.dtype)
  const summed = squeeze(matmul(unsqueeze(real, [1, 2]), attention), [2])
  return div(mean(summed, 1), sum(real, 1, { keepDims: true }))
}

function obey(keep: Tensor, state: TokenState): Tensor {
  const real = state.alive === undefined ? keep : and(state.alive, keep)
  return or(fixedTokens(state), real)
}

function compactState(state: TokenState, carried: Values, cut: Cut): TokenState {
  const alive = cut.valid && assume(cut.valid, ['B', 'N'])
  const ordinals = assume(cut.ordinals, ['B', 'N'])
  const position = assume(cut.take(state.position), ['B', 'N'])
  const kept = Object.entries(carried).map(([name, x]) => [name, takeCarried(x, cut)] as const)
  return { ...state, ordinals, alive, count: cut.count, position, carried: Object.fromEntries(kept) }
}

/** [B,N] → [B,K]; [B,N,N] → [B,K,K]. */
function takeCarried(x: Tensor, cut: Cut): Tensor {
  if (x.rank === 2) return assume(cut.take(x), ['B', 'N'])
  const rows = transpose(cut.take(x), [0, 2, 1])
  return assume(transpose(cut.take(rows), [0, 2, 1]), ['B', 'N', 'N'])
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
