import {
  add,
  and,
  axisSize,
  cast,
  concat,
  cumSum,
  gather,
  gatherElements,
  greater,
  less,
  max,
  not,
  or,
  range,
  slice,
  squeeze,
  sub,
  sum,
  type Tensor,
  topK,
  unsqueeze,
  where,
} from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { Cache } from '../analyze/caches.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { Lengths } from './group-query-kept.ts'

const PREFIX = 'tp/prompt'

/**
 * Of shorter examples some slots hold padding. A later step is given the mask of all tokens, which does not say how many of them were
 * kept of each example, and the caches: so a slot that holds padding has a key of zeros there, which no token has. `shown` bool [b,k].
 */
export function markFillers(program: Program, { node }: Cache, shown: string): void {
  const operands = new Operands(program)
  const key = operands.value(node.input[1] as string) // [b,g,k,d]
  const marked = where(unsqueeze(operands.value(shown), [1, 3]), key, 0)
  const written = program.write(marked, operands.names, { prefix: PREFIX, before: node, dims: [key.dims] })
  program.graph.replaceInput(node, 1, written.name)
}

export interface ColumnsOptions {
  /** Which tokens are real: [b,p+n] */
  readonly mask: string
  /** No prompt loses a token, so that padding is marked only where it was moved. */
  readonly isWhole: boolean
}

/**
 * int64 [b,q+k,1], for each slot that later layers see: a token, from 0 to p+n, that earlier layers see in its place. Slots that hold
 * tokens, before the new ones, get the last real tokens in their order, wherever padding is. A slot that holds padding is given some padding.
 */
export function writeColumns(program: Program, names: Lengths, { mask, isWhole }: ColumnsOptions): string {
  const operands = new Operands(program)
  const indices = operands.value(names.indices)
  const [seen, kept] = [names.seen, names.kept].map((name) => operands.value(name)) as [Tensor, Tensor]
  const batch = indices.dims[0] as Dim
  const real = cast(operands.value(mask, [batch, 'M']), 'bool')
  const [from, to] = [sub(axisSize(seen, 2), axisSize(kept, 2)), axisSize(seen, 2)]
  const places = unsqueeze(cast(range(0, squeeze(axisSize(real, 1), [0])), 'float32'), [0]) // [1,p+n]
  const isEarlier = less(places, cast(to, 'float32'))
  const padding = max(where(and(isEarlier, not(real)), places, 0), 1, { keepDims: true }) // [b,1]
  const isReal = slice(cast(real, 'float32'), { axis: 1, start: from, end: to }) // [b,q]
  const holds = holdsToken(kept)
  const isMoved = greater(sum(cast(not(holds), 'float32'), 1, { keepDims: true }), 0)
  const isShown = isWhole ? and(holds, or(isMoved, greater(isReal, 0))) : holds
  const earlier = where(isShown, latestOf(where(and(isEarlier, real), places, 0), isShown), padding)
  const columns = concat([unsqueeze(cast(earlier, 'int64'), [2]), add(indices, to)], 1)
  return program.write(columns, operands.names, { prefix: PREFIX, dims: [[batch, "T'all", 1]] }).name
}

/** float32 [b,q]: the last of some places [b,p+n] for the last of the slots [b,q] that are shown, the one before it for the one before, and so on. */
function latestOf(places: Tensor, isShown: Tensor): Tensor {
  const { values } = topK(places, axisSize(isShown, 1), { axis: 1 })
  const shownAfter = cumSum(cast(isShown, 'float32'), 1, { exclusive: true, reverse: true })
  return gatherElements(values, cast(shownAfter, 'int64'), 1)
}

/** Keys [b,g,q,d] → bool [b,q]: which slots hold a token. One head is enough. */
function holdsToken(keys: Tensor): Tensor {
  // By way of yes and no, so that it does not matter how numbers are stored.
  const some = cast(cast(gather(keys, 0, 1), 'bool'), 'float32')
  return greater(max(some, 2), 0)
}
