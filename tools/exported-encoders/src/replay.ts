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

/** Keeps given tokens, for one batch with its examples in this order. */
export function replay(kept: ReplayedTokens): Scorer {
  return scorer({ name: 'replay', family: 'baseline', score: (site) => marks(site, kept.get(site.layer) ?? []) })
}

/** [B,N]: 1 for kept tokens, 0 for others. */
function marks({ position }: Site, rows: readonly (readonly number[])[]): Tensor {
  const width = 1 + Math.max(0, ...rows.flat())
  const table = rows.map((row) => Array.from({ length: width + 1 }, (_, token) => (row.includes(token) ? 1 : 0)))
  const row = sub(cumSum(cast(equal(position, position), 'int64'), 0), 1)
  // tokens after the last kept one are pruned as well: the table's last column
  const token = minimum(cast(position, 'int64'), width)
  return gather(constant(table.flat(), 'float32', [rows.length * (width + 1)]), add(mul(row, width + 1), token), 0)
}
