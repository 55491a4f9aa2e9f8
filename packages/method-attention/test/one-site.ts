import {
  type Amount,
  cast,
  constant,
  evaluate,
  gather,
  gatherND,
  initialState,
  type Method,
  type Reduced,
  reduceTokens,
  type Site,
  type SiteSource,
  type Tensor,
  type TensorLike,
  transpose,
  unsqueeze,
} from '@tp/core'

/** What one block gives to a method. All arrays have the same B and N. */
export interface OneSite {
  /** [B,H,N,N] */
  readonly attention?: Tensor
  /** [B,H,N,Dh] */
  readonly key?: Tensor
  /** [B,H,N,Dh] */
  readonly value?: Tensor
  /** 1: a real token; default: all are */
  readonly real?: readonly (readonly number[])[]
  /** Default: 0. */
  readonly classToken?: number
  /** Default: none. */
  readonly fixed?: readonly number[]
}

/** What a method did with it, row by row. */
export interface Choice {
  /** The score that it selected by; empty where it chose without one. */
  readonly scores: number[][]
  readonly kept: number[][]
}

export function choose(method: Method, site: OneSite, amount: Amount): Choice {
  const scores: Tensor[] = []
  const { state } = reduceOnce(method, site, amount, scores)
  const outputs = {
    position: state.position,
    ...(state.alive && { alive: state.alive }),
    ...(scores[0] && { score: scores[0] }),
  }
  const { position, alive, score } = evaluate<string>(outputs, {}, { precision: 'float64' })
  const isKept = alive && lists(alive)
  return {
    scores: score === undefined ? [] : lists(score),
    kept: lists(position as TensorLike).map((row, b) => row.filter((_, slot) => isKept?.[b]?.[slot] !== 0)),
  }
}

/** What a method carries on from a site at which nothing leaves. */
export function carry(method: Method, site: OneSite, name: string): number[][] {
  const { state } = reduceOnce(method, site, undefined, [])
  return lists(evaluate([state.carried[name] as Tensor], {}, { precision: 'float64' })[0] as TensorLike)
}

function reduceOnce(method: Method, site: OneSite, amount: Amount | undefined, scores: Tensor[]): Reduced {
  const { attention, key, value, real, classToken = 0, fixed = [] } = site
  const missing = (): never => {
    throw new Error('the method looks at something that the test does not give')
  }
  const some = attention ?? key ?? value ?? missing()
  const [batch, , tokens] = some.dims as readonly [number, number, number]
  const hidden = constant(new Float32Array(batch * tokens), 'float32', [batch, tokens, 1])
  const source: SiteSource = {
    block: 0,
    blocks: 1,
    hidden,
    query: missing,
    key: () => key ?? missing(),
    value: () => value ?? missing(),
    attention: () => attention ?? missing(),
    attentionFrom: (rows) => rowsFrom(attention ?? missing(), rows),
    classToken: () => classToken,
  }
  const alive = real && cast(constant(real.flat(), 'int64', [batch, tokens]), 'bool')
  const spy: Method = { ...method, reduce: (seen) => method.reduce(watched(seen, scores)) }
  return reduceTokens({ method: spy, source, state: initialState(hidden, alive, fixed), amount })
}

/** attention [B,H,N,N] → [B,H,Q,N] */
function rowsFrom(attention: Tensor, rows: Tensor | number): Tensor {
  if (typeof rows === 'number') return unsqueeze(gather(attention, rows, 2), 2)
  return transpose(gatherND(transpose(attention, [0, 2, 1, 3]), unsqueeze(rows, 2), 1), [0, 2, 1, 3])
}

function watched(site: Site, scores: Tensor[]): Site {
  const { budget } = site
  if (budget === undefined) return site
  const select = (score: Tensor): Tensor => {
    scores.push(score)
    return budget.select(score)
  }
  return Object.create(site, { budget: { value: { ...budget, select } } })
}

export function lists({ dims, data }: TensorLike): number[][] {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
  const size = numbers.length / (dims[0] as number)
  return Array.from({ length: dims[0] as number }, (_, row) => numbers.slice(row * size, (row + 1) * size))
}
