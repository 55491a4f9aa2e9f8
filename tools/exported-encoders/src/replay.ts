import {
  add,
  cast,
  constant,
  cumSum,
  equal,
  gather,
  minimum,
  mul,
  type Scorer,
  type Site,
  scorer,
  sub,
  type Tensor,
} from '@tp/core'

/** By layer and row: original indices of tokens, ascending. */
export type ReplayedTokens = ReadonlyMap<number, readonly (readonly number[])[]>

/** Keeps the tokens that it is told, for one batch whose rows come in this order. */
export function replay(kept: ReplayedTokens): Scorer {
  return scorer({ name: 'replay', family: 'baseline', score: (site) => marks(site, kept.get(site.layer) ?? []) })
}

/** [B,N]: 1 for tokens that stay, 0 for others. */
function marks({ position }: Site, rows: readonly (readonly number[])[]): Tensor {
  const width = 1 + Math.max(0, ...rows.flat())
  const table = rows.map((row) => Array.from({ length: width + 1 }, (_, token) => (row.includes(token) ? 1 : 0)))
  const row = sub(cumSum(cast(equal(position, position), 'int64'), 0), 1)
  // what stands behind the last token that stays leaves as well: the table's last column
  const token = minimum(cast(position, 'int64'), width)
  return gather(constant(table.flat(), 'float32', [rows.length * (width + 1)]), add(mul(row, width + 1), token), 0)
}
