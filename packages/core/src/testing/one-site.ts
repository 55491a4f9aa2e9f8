import type { TensorLike } from '../array.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { type Reduced, reduceTokens } from '../host/reduce.ts'
import type { SiteSource } from '../host/site-source.ts'
import { initialState } from '../host/state.ts'
import type { Method } from '../method/method.ts'
import type { Amount } from '../method/schedule.ts'
import type { Budget, Site } from '../method/site.ts'
import { cast, constant, gather, gatherND, transpose, unsqueeze } from '../ops/index.ts'

/** The values of one layer that a method reads. All arrays have the same B and N; what the method does not read may be absent. */
export interface OneSite {
  /** [B,N,D]; default: one number, 0, for each token */
  readonly hidden?: Tensor
  /** [B,H,N,N] */
  readonly attention?: Tensor
  /** [B,H,N,Dh] */
  readonly query?: Tensor
  /** [B,H,N,Dh] */
  readonly key?: Tensor
  /** [B,H,N,Dh] */
  readonly value?: Tensor
  /** 1: a token whose part of the input carries a signal; default: all */
  readonly signal?: readonly (readonly number[])[]
  /** 1: a real token; default: all are */
  readonly attended?: readonly (readonly number[])[]
  /** Default: 0. */
  readonly classToken?: number
  /** Default: none. */
  readonly protectedTokens?: readonly number[]
}

/** The outcome of a method, by example. */
export interface SiteChoice {
  /** The score that it selected by; empty if it chose without one. */
  readonly scores: number[][]
  /** Positions of the tokens that it kept, in their order afterwards. */
  readonly kept: number[][]
  /** Their states, what was merged into them included. */
  readonly states: number[][][]
  /** How many tokens each stands for. */
  readonly sizes: number[][]
}

/**
 * Runs a method at one site, in double precision: what a test of its numbers needs.
 *
 *     const { kept } = choose(divPrune(), { key: constant(keys, 'float32', [1, 1, 4, 2]) }, { kind: 'tokens', value: 2 })
 */
export function choose(method: Method, site: OneSite, amount: Amount): SiteChoice {
  const scores: Tensor[] = []
  const { hidden, reduced } = reduceOnce(method, site, amount, scores)
  const { state, cut } = reduced
  const outputs = {
    position: state.position,
    states: cut === undefined ? hidden : cut.states(hidden),
    ...(state.attended && { attended: state.attended }),
    ...(state.size && { size: state.size }),
    ...(scores[0] && { score: scores[0] }),
  }
  const { position, states, attended, size, score } = evaluate<string>(outputs, {}, { precision: 'float64' })
  const isKept = attended && lists(attended)
  /** The slots of one example that hold a token. */
  const ofKept = <T>(slots: readonly T[], row: number): T[] => slots.filter((_, slot) => isKept?.[row]?.[slot] !== 0)
  const positions = lists(position as TensorLike)
  const width = hidden.dims[2] as number
  const stateRows = lists(states as TensorLike).map((row) =>
    Array.from({ length: row.length / width }, (_, slot) => row.slice(slot * width, (slot + 1) * width)),
  )
  const sizes = size === undefined ? positions.map((row) => row.map(() => 1)) : lists(size)
  return {
    scores: score === undefined ? [] : lists(score),
    kept: positions.map(ofKept),
    states: stateRows.map(ofKept),
    sizes: sizes.map(ofKept),
  }
}

/** The state that a method carries on from a site at which nothing is pruned. */
export function carriedOn(method: Method, site: OneSite, name: string): number[][] {
  const { reduced } = reduceOnce(method, site, undefined, [])
  return lists(evaluate([reduced.state.carried[name] as Tensor], {}, { precision: 'float64' })[0] as TensorLike)
}

function reduceOnce(
  method: Method,
  site: OneSite,
  amount: Amount | undefined,
  scores: Tensor[],
): { readonly hidden: Tensor; readonly reduced: Reduced } {
  const { attention, query, key, value, signal, attended, classToken = 0, protectedTokens = [] } = site
  const missing = (): never => {
    throw new Error('the method looks at something that the test does not give')
  }
  const [batch, tokens] = sizesOf(site) ?? missing()
  const hidden = site.hidden ?? constant(new Float32Array(batch * tokens), 'float32', [batch, tokens, 1])
  const source: SiteSource = {
    layer: 0,
    layerCount: 1,
    hidden,
    query: () => query ?? missing(),
    key: () => key ?? missing(),
    value: () => value ?? missing(),
    attention: () => attention ?? missing(),
    attentionFrom: (rows) => rowsFrom(attention ?? missing(), rows),
    classToken: () => classToken,
    ...(signal && { signal: () => cast(constant(signal.flat(), 'int64', [batch, tokens]), 'bool') }),
  }
  const mask = attended && cast(constant(attended.flat(), 'int64', [batch, tokens]), 'bool')
  const spy: Method = { ...method, reduce: (seen) => method.reduce(watched(seen, scores)) }
  const state = initialState(hidden, mask, protectedTokens)
  return { hidden, reduced: reduceTokens({ method: spy, source, state, amount }) }
}

function sizesOf({
  hidden,
  attention,
  query,
  key,
  value,
}: OneSite): readonly [batch: number, tokens: number] | undefined {
  if (hidden !== undefined) return [hidden.dims[0] as number, hidden.dims[1] as number]
  const some = attention ?? query ?? key ?? value
  return some && [some.dims[0] as number, some.dims[2] as number]
}

/** attention [B,H,N,N] → [B,H,Q,N] */
function rowsFrom(attention: Tensor, rows: Tensor | number): Tensor {
  if (typeof rows === 'number') return unsqueeze(gather(attention, rows, 2), 2)
  return transpose(gatherND(transpose(attention, [0, 2, 1, 3]), unsqueeze(rows, 2), 1), [0, 2, 1, 3])
}

function watched(site: Site, scores: Tensor[]): Site {
  const { budget } = site
  if (budget === undefined) return site
  const select: Budget['select'] = (score, extra) => {
    scores.push(score)
    return budget.select(score, extra)
  }
  return Object.create(site, { budget: { value: { ...budget, select } } })
}

export function lists({ dims, data }: TensorLike): number[][] {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
  const size = numbers.length / (dims[0] as number)
  return Array.from({ length: dims[0] as number }, (_, row) => numbers.slice(row * size, (row + 1) * size))
}
