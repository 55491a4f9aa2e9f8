/** The waiting rows, in the order in which they are due. */
export interface Waiting {
  readonly tokens: number
  readonly key: string
}

export interface BatchBudget {
  /** Tokens of one run: of a padded batch those with padding, of a packed one the attended. */
  readonly tokens: number
  /** Padding costs nothing. */
  readonly packed: boolean
  /** Never to run a text before one that is due earlier. */
  readonly inOrder: boolean
  /** Most examples of one run. */
  readonly rows: number
}

/** So many budgets ahead texts of similar length are looked for. */
const LOOK_AHEAD = 4

/** Padding is work for nothing, while a second batch costs little more than one of both: it is at most this share of a batch. */
const MOST_PADDING = 0.15

/**
 * Which of what waits makes up the next batch: the first, in any case, and what fits with it. One that is larger than the budget is
 * run alone. Where padding costs something, it takes those nearest in length to the first.
 */
export function chooseBatch<T extends Waiting>(waiting: readonly T[], budget: BatchBudget): T[] {
  const [first] = waiting
  if (first === undefined) return []
  const alike = waiting.filter(({ key }) => key === first.key)
  if (budget.packed || budget.inOrder) return next(alike, budget)
  return similar(
    next(alike, { ...budget, tokens: LOOK_AHEAD * budget.tokens, packed: true, rows: Number.POSITIVE_INFINITY }),
    first,
    budget,
  )
}

/** The rows that are due next. */
function next<T extends Waiting>(alike: readonly T[], { tokens, packed, rows }: BatchBudget): T[] {
  let [sum, longest] = [0, 0]
  const end = alike.findIndex((each, count) => {
    sum += each.tokens
    longest = Math.max(longest, each.tokens)
    const cost = packed ? sum : longest * (count + 1)
    return count > 0 && (cost > tokens || count === rows)
  })
  return end < 0 ? [...alike] : alike.slice(0, end)
}

/** Those nearest in length to the first, by growing from it in the order of lengths. */
function similar<T extends Waiting>(alike: T[], first: T, { tokens: budget, rows: most }: BatchBudget): T[] {
  const sorted = alike.sort((a, b) => a.tokens - b.tokens)
  const at = sorted.indexOf(first)
  let [from, to, real] = [at, at + 1, first.tokens]
  const paddingWith = (next: T | undefined): number => {
    if (next === undefined) return Number.POSITIVE_INFINITY
    const cost = Math.max((sorted[to - 1] as T).tokens, next.tokens) * (to - from + 1)
    const padding = cost - real - next.tokens
    return cost > budget || padding > MOST_PADDING * cost ? Number.POSITIVE_INFINITY : padding
  }
  while (to - from < most) {
    const [shorter, longer] = [paddingWith(sorted[from - 1]), paddingWith(sorted[to])]
    if (Math.min(shorter, longer) === Number.POSITIVE_INFINITY) break
    real += (longer <= shorter ? (sorted[to++] as T) : (sorted[--from] as T)).tokens
  }
  return sorted.slice(from, to)
}
