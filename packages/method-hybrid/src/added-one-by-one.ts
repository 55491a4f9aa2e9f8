import {
  add,
  and,
  argMax,
  cast,
  countedAmounts,
  equal,
  gatherND,
  iterate,
  max,
  maximum,
  minimum,
  neg,
  not,
  type Site,
  squeeze,
  sub,
  sum,
  type Tensor,
  TpError,
  unsqueeze,
  where,
} from '@tp/core'

/** One more token of each example. */
interface Choice {
  /** x [B,N] → [B,1]: its value */
  at(x: Tensor): Tensor
  /** x [B,N,N] → [B,N]: its row */
  rowOf(x: Tensor): Tensor
}

export interface Addition {
  /** [B,N]: the token with the largest is chosen first */
  readonly first: Tensor
  /** Any values, before the first choice. */
  readonly state: readonly Tensor[]
  /** The state after a choice. */
  next(state: readonly Tensor[], choice: Choice): readonly Tensor[]
  /** [B,N]: by which the next token is chosen */
  gain(state: readonly Tensor[]): Tensor
}

type AdditionSite = Pick<Site, 'attended' | 'protectedTokens' | 'index' | 'budget'>

/** bool [B,N] tokens that may be pruned, float [B,1] how many of them are kept */
export interface FreeTokens {
  readonly free: Tensor
  readonly count: Tensor
}

/** @throws TpError TP_SCHEDULE where no number of tokens is given */
export function freeTokens(method: string, { attended, protectedTokens, budget }: AdditionSite): FreeTokens {
  if (budget?.keep === undefined) {
    throw new TpError('TP_SCHEDULE', method, `it adds tokens up to a number; give ${countedAmounts()}`)
  }
  const kept = unsqueeze(budget.keep, 1)
  return {
    free: and(attended, not(protectedTokens)),
    count: sub(kept, sum(cast(protectedTokens, 'float32'), 1, { keepDims: true })),
  }
}

/** More than there are tokens. */
const UNRANKED = 1e6
/** Below any gain. */
const CLOSED = -1e6

/**
 * A score [B,N] by which tokens are kept that are added one by one, each the best after those before it; of equals the first. A loop has a
 * step for each of them. Protected tokens are kept, and have no part in it.
 */
export function addedOneByOne({ free, count }: FreeTokens, { index }: AdditionSite, addition: Addition): Tensor {
  const choose = (open: Tensor, gain: Tensor): Choice & { readonly isIt: Tensor } => {
    const best = unsqueeze(argMax(where(open, gain, CLOSED), 1, { keepDims: true }), 2) // int64 [B,1,1]
    const at = (x: Tensor): Tensor => gatherND(x, best, 1)
    return { at, rowOf: (x) => squeeze(at(x), 1), isIt: equal(index, at(index)) }
  }
  const first = choose(free, addition.first)
  const ranked = where(first.isIt, 0, UNRANKED)
  const steps = cast(sub(max(count, [0, 1]), 1), 'int64')
  const [rank = ranked] = iterate(
    steps,
    [ranked, ...addition.next(addition.state, first)],
    ([before = ranked, ...state], step) => {
      const choice = choose(and(free, equal(before, UNRANKED)), addition.gain(state))
      const now = where(choice.isIt, add(cast(step, 'float32'), 1), UNRANKED)
      return [minimum(before, now), ...addition.next(state, choice)]
    },
  )
  // Longer examples of the batch go on; further steps do not affect shorter ones.
  return neg(minimum(rank, maximum(count, 0)))
}
