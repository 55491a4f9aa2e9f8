import { TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import { amountRules, amountsWhere } from '../method/amount-rules.ts'
import type { Method, Reduction } from '../method/method.ts'
import type { Amount } from '../method/schedule.ts'
import type { Budget, Site, Values } from '../method/site.ts'
import {
  and,
  cast,
  div,
  gatherND,
  greater,
  log,
  maximum,
  mean,
  mul,
  not,
  or,
  squeeze,
  unsqueeze,
} from '../ops/index.ts'
import { queriesOf, receivedFrom } from '../parts/received.ts'
import { assume } from './assume.ts'
import { isSigned, paramsAt, reducesAt } from './at-layer.ts'
import { callReduce, checkScore, ModelErrors } from './call-method.ts'
import { initialCarry, takeCarried } from './carried.ts'
import { compact, type Fillers, type KeptTokens, type Slots } from './compact.ts'
import { type Merged, merge } from './merge.ts'
import { mayBeNaN, SiteValues } from './not-a-number.ts'
import { requireReturnable } from './returning.ts'
import { keptOfEach, keptTokens, type SelectionRule, type SelectOptions, select } from './select.ts'
import { type MonitorShares, sharesOf } from './shares.ts'
import type { SiteSource } from './site-source.ts'
import {
  attendedTokens,
  hasGroups,
  leadingTokens,
  protectedCount,
  protectedMask,
  slotOf,
  type TokenState,
  tokenCount,
  tokenIndex,
  tokenPlace,
  tokenPositions,
  tokenSizes,
} from './state.ts'

export interface ReduceOptions {
  readonly method: Method
  readonly source: SiteSource
  /** State of the tokens at this site, every tensor over this site's B and N. */
  readonly state: TokenState
  /** Absent: the method only observes. */
  readonly amount?: Amount | undefined
  /** At least so many real tokens of each example are kept, or all that it has; default 0. */
  readonly least?: number | undefined
  readonly params?: Values | undefined
  readonly fillers?: Fillers | undefined
}

/** The kept tokens, and what they have become. */
interface Cut extends Slots {
  /** hidden [B,N,D] → [B,K,D], with what was merged into each token */
  states(hidden: Tensor): Tensor
  /** bool [B,K]: the slot holds the fused token of all pruned ones; absent without one */
  readonly fused?: Tensor | undefined
  /** float [B,N]: in which slot each token is, alone or as a part of the one in it, from 1; 0: it was dropped. Absent where none are merged. */
  slotOfEach?: (() => Tensor) | undefined
  /** [B,N,D], of the type of the hidden states: what pruned tokens are restored with downstream of the last layer */
  readonly final?: Tensor | undefined
  /** float32 [B,D] → [B,D]: what is added to these, by the mean of the kept tokens' states there */
  readonly context?: Reduction['context'] | undefined
  /** [B,N]: the score that the schedule's rule was applied to; absent where the method chose by no score */
  readonly score?: Tensor | undefined
  /** Which shares of each example's tokens and score are kept; not part of the cut itself. */
  shares(): MonitorShares
}

/** The reduction of a method at one site. */
export interface Reduced {
  /** Absent where nothing is pruned: the method only observed, or kept all real tokens. */
  readonly cut?: Cut
  /** State after the site, over the kept tokens; dims are again named B and N. */
  readonly state: TokenState
}

/**
 * Runs a method at one site: builds the expressions that choose the tokens and compact everything with a token axis.
 * @throws TpError TP_SCHEDULE if the method cannot follow the amount's rule, TP_WEIGHTS without a learned value that it needs
 */
export function reduceTokens({ method, source, state, amount, least, params = {}, fillers }: ReduceOptions): Reduced {
  if (amount && amountRules[amount.kind].isShareOfScores && isSigned(method, source.layer)) {
    const reason = 'its scores may be negative, so a share of their sum means nothing'
    const others = amountsWhere(({ isShareOfScores }) => !isShareOfScores)
    throw new TpError('TP_SCHEDULE', method.name, `${reason}; give ${others}`)
  }
  if (amount !== undefined && method.returns) requireReturnable(method, amount)
  if (amount !== undefined && method.returns && hasGroups(state)) {
    const reason = 'tokens return in all examples at once, and examples protect different numbers of tokens'
    throw new TpError('TP_PROTECT', method.name, `${reason}; protect positions instead`)
  }
  const missing = Object.entries(amount === undefined ? {} : paramsAt(method, source.layer)).find(
    ([name, { optional }]) => !optional && params[name] === undefined,
  )
  if (missing !== undefined) {
    const problem = `needs the learned value ${missing[0]} at layer ${source.layer}`
    throw new TpError(
      'TP_WEIGHTS',
      method.name,
      `${problem}; give it in params (tp train --weights-out writes such values)`,
    )
  }
  const { hidden } = source
  const started = startedState(method, state, hidden)
  const rule: SelectionRule | undefined = amount && {
    amount,
    protectedTokens: protectedCount(state),
    least,
    pairs: reducesAt(method, source.layer) === 'pair',
  }
  const selected = new Map<Tensor, Selected>()
  const siteValues = new SiteValues()
  const errors = new ModelErrors()
  const budget = rule && makeBudget(method, { rule, state: started, hidden, siteValues }, selected)
  const site = makeSite(errors.watch(source), started, { budget, param: params, siteValues })
  const reduction = callReduce(method, site, errors)
  const carried = { ...started.carried, ...reduction.carry }
  const numeric = numericOf(reduction.carry, started, siteValues)
  if (rule === undefined || reduction.keep === site.attended) return { state: { ...started, carried, numeric } }

  if (method.returns && reduction.into !== undefined) {
    throw new TpError('TP_METHOD', method.name, 'tokens that come back cannot be merged into others')
  }
  if (method.returns && reduction.final !== undefined) {
    throw new TpError('TP_METHOD', method.name, 'tokens that come back have states of their own; leave out final')
  }
  // A result of `select` is valid already; any other choice is made valid.
  const choice = selected.get(reduction.keep)
  const keep = choice === undefined ? obey(reduction.keep, started) : reduction.keep
  const kept = choice === undefined ? undefined : keptBy(rule, started, hidden, choice.extra)
  const score = isSigned(method, source.layer) ? undefined : choice?.score
  const slots = compact({
    keep,
    kept,
    order: reduction.order,
    siteValues,
    state: started,
    hidden,
    needsRest: reduction.into !== undefined,
    fillers,
  })
  const merged = merge(reduction, keep, started, slots)
  return {
    cut: {
      ...slots,
      states: merged.states,
      fused: merged.fused,
      slotOfEach: reducesAt(method, source.layer) === 'fuse' ? undefined : merged.slotOfEach,
      final: reduction.final && cast(reduction.final, hidden.dtype),
      context: reduction.context,
      score: choice?.score,
      shares: () => sharesOf(score, keep, started),
    },
    state: compactState({ ...started, numeric }, { method, carried, slots, merged, reduction }),
  }
}

/** Which carried values cannot be NaN, where a method has written some. */
function numericOf(
  written: Values = {},
  { numeric = new Set() }: TokenState,
  siteValues: SiteValues,
): ReadonlySet<string> {
  const kept = [...numeric].filter((name) => written[name] === undefined)
  return new Set([...kept, ...Object.keys(written).filter((name) => !mayBeNaN(written[name] as Tensor, siteValues))])
}

/**
 * How many tokens a rule keeps that does not depend on the scores. A protected segment may be longer than that, and then it
 * depends on the data.
 */
function keptBy(rule: SelectionRule, state: TokenState, hidden: Tensor, extra: number): KeptTokens | undefined {
  if (hasGroups(state)) return undefined
  const rows = keptTokens(attendedTokens(state, hidden), rule, extra)
  const width = keptTokens(tokenCount(hidden), rule, extra)
  return rows && width && { rows, width }
}

/** The arguments of `select`: the score [B,N] and the number of extra tokens. */
interface Selected {
  readonly score: Tensor
  readonly extra: 0 | 1
}

/** `selected`: what `select` gave, by its result. */
function makeBudget(method: Method, options: SelectOptions, selected: Map<Tensor, Selected>): Budget {
  const { rule, state, hidden } = options
  const row = { attended: state.attended ?? state.ordinals }
  const kept = keptOfEach(state, hidden, rule)
  return {
    ...(kept && { keep: options.siteValues.give(squeezeRow(cast(kept, 'float32'))) }),
    select(score, extra = 0) {
      checkScore(method.name, score, row)
      const single = score.dtype === 'float32' ? score : cast(score, 'float32')
      const keep = select(single, { ...options, extra })
      selected.set(keep, { score, extra })
      return keep
    },
  }
}

/** [B,1] → [B]; [1] is not changed, it broadcasts. */
function squeezeRow(x: Tensor): Tensor {
  return x.rank === 2 ? squeeze(x, [1]) : x
}

export interface MakeSiteOptions {
  readonly budget: Budget | undefined
  readonly param: Values
  /** Called with every value that the site gives. */
  readonly siteValues?: SiteValues
}

export function makeSite(
  source: SiteSource,
  state: TokenState,
  { budget, param, siteValues = new SiteValues() }: MakeSiteOptions,
): Site {
  const { hidden } = source
  const attended = state.attended ?? greater(state.ordinals, 0)
  for (const value of Object.values(param)) siteValues.give(value)
  for (const name of state.numeric ?? []) siteValues.give(state.carried[name] as Tensor)
  return {
    layer: source.layer,
    layerCount: source.layerCount,
    // Methods compute in float32, whatever the model's precision: sums over hundreds of half-precision numbers would lose the
    // differences between tokens, and no method has to convert types.
    get hidden() {
      return siteValues.give(cast(hidden, 'float32'))
    },
    get query() {
      return siteValues.give(cast(source.query(), 'float32'))
    },
    get key() {
      return siteValues.give(cast(source.key(), 'float32'))
    },
    get value() {
      return siteValues.give(cast(source.value(), 'float32'))
    },
    get attention() {
      return siteValues.give(cast(source.attention(), 'float32'))
    },
    isCausal: source.isCausal === true,
    attentionFrom: (rows) => siteValues.give(cast(source.attentionFrom(rows), 'float32')),
    get clsAttention() {
      return siteValues.give(cast(squeeze(source.attentionFrom(slotOf(source.classToken(), state)), [2]), 'float32'))
    },
    get received() {
      return siteValues.give(source.received?.() ?? received(cast(source.attention(), 'float32'), state, this))
    },
    attended: siteValues.give(attended),
    get padding() {
      source.requireMask?.()
      return siteValues.give(not(attended))
    },
    get signal() {
      return siteValues.give(signalOf(source, state))
    },
    get protectedTokens() {
      return siteValues.give(protectedMask(state))
    },
    position: siteValues.give(tokenPlace(state)),
    get index() {
      return siteValues.give(tokenIndex(state))
    },
    get ordinal() {
      return siteValues.give(tokenPositions(state))
    },
    leading: leadingTokens(state),
    get size() {
      return siteValues.givePositive(tokenSizes(state))
    },
    get count() {
      return siteValues.givePositive(squeezeRow(cast(attendedTokens(state, hidden), 'float32')))
    },
    ...(budget && { budget }),
    param,
    carried: state.carried,
  }
}

/** attention [B,H,N,N] → [B,N]: mean over heads and over the real query rows that see each token. */
function received(
  attention: Tensor,
  { attended }: TokenState,
  site: Pick<Site, 'attended' | 'count' | 'isCausal'>,
): Tensor {
  if (attended === undefined && !site.isCausal) return mean(mean(attention, 2), 1)
  const all = receivedFrom(attention, cast(site.attended, attention.dtype))
  return site.isCausal ? mul(all, div(unsqueeze(site.count, 1), queriesOf(site))) : all
}

/** bool [B,N]: which of the present tokens carry a signal. */
function signalOf(source: SiteSource, state: TokenState): Tensor {
  const ofInput = source.signal?.() ?? greater(state.ordinals, 0)
  if (source.signal === undefined || !state.isPruned) return ofInput
  return assume(gatherND(ofInput, cast(unsqueeze(state.position, [2]), 'int64'), 1), ['B', 'N'])
}

function obey(keep: Tensor, state: TokenState): Tensor {
  const attended = state.attended === undefined ? keep : and(state.attended, keep)
  return or(protectedMask(state), attended)
}

interface Compacted {
  readonly method: Method
  readonly carried: Values
  readonly slots: Slots
  readonly merged: Merged
  readonly reduction: Reduction
}

function compactState(state: TokenState, { method, carried, slots, merged, reduction }: Compacted): TokenState {
  const named = (x: Tensor): Tensor => assume(x, ['B', 'N'])
  const size = merged.size && named(merged.size)
  const keyBias =
    reduction.proportional && size !== undefined ? log(size) : state.keyBias && named(slots.take(state.keyBias))
  const own = reduction.aside && cast(reduction.aside, 'float32')
  const aside = own && state.aside ? maximum(own, state.aside) : (own ?? state.aside)
  const kept = Object.entries(carried).map(([name, x]) => [name, takeCarried(method, name, x, slots)] as const)
  return {
    ...state,
    ordinals: named(slots.ordinals),
    attended: slots.valid && named(slots.valid),
    count: slots.count,
    position: named(slots.take(state.position)),
    place: state.place && named(slots.take(state.place)),
    protectedSegment: state.protectedSegment && named(slots.take(state.protectedSegment)),
    aside: aside && named(slots.take(aside)),
    size,
    keyBias,
    carried: Object.fromEntries(kept),
    isPacked: true,
    isPruned: true,
  }
}

/** The state with the carried values that no layer has written yet. hidden [B,N,D] */
export function startedState(method: Method, state: TokenState, hidden?: Tensor): TokenState {
  const fresh = Object.keys(method.carry ?? {}).filter((name) => state.carried[name] === undefined)
  const carried = { ...initialCarry(method, state, hidden), ...state.carried }
  return { ...state, carried, numeric: new Set([...(state.numeric ?? []), ...fresh]) }
}
