import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import { none } from '../baselines/none.ts'
import { truncate } from '../baselines/truncate.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { type AmountKind, amountKinds } from '../method/amount-rules.ts'
import type { Method } from '../method/method.ts'
import { type Amount, keptCount } from '../method/schedule.ts'
import { scorer } from '../method/scorer.ts'
import { cast, constant, equal, or, squeeze } from '../ops/index.ts'
import { assume } from './assume.ts'
import { type Reduced, reduceTokens } from './reduce.ts'
import type { SiteSource } from './site-source.ts'
import { initialState, type TokenState } from './state.ts'

/** Tokens that are given as [B,N] numbers: their scores. */
interface Rows {
  readonly scores: readonly (readonly number[])[]
  /** 1: a real token; absent: the model has no padding */
  readonly attended?: readonly (readonly number[])[] | undefined
  readonly protectedTokens?: readonly number[]
}

/** The hidden state is the score, so that it travels with the tokens. */
const byHidden = scorer({ name: 'by-hidden', family: 'baseline', score: ({ hidden }) => squeeze(hidden, 2) })

function start({ scores, attended, protectedTokens = [] }: Rows): { hidden: Tensor; state: TokenState } {
  const dims = [scores.length, scores[0]?.length ?? 0]
  const hidden = assume(constant(scores.flat(), 'float32', [...dims, 1]), ['B', 'N', 1])
  const mask = attended && assume(cast(constant(attended.flat(), 'int64', dims), 'bool'), ['B', 'N'])
  return { hidden, state: initialState(hidden, mask, protectedTokens) }
}

function sourceOf(hidden: Tensor, layer = 0): SiteSource {
  const unused = (): never => {
    throw new Error('the test gives no attention')
  }
  const nothing = { query: unused, key: unused, value: unused, attention: unused, attentionFrom: unused }
  return { layer, layerCount: 4, hidden, ...nothing, classToken: unused }
}

function reduceRows(method: Method, rows: Rows, amount: Amount): Reduced {
  const { hidden, state } = start(rows)
  return reduceTokens({ method, source: sourceOf(hidden), state, amount })
}

function lists(tensor: Tensor): number[][] {
  const { dims, data } = evaluate([tensor], {})[0] as TensorLike
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
  const size = dims.slice(1).reduce((a, b) => a * b, 1)
  return Array.from({ length: dims[0] as number }, (_, row) => numbers.slice(row * size, (row + 1) * size))
}

/** The contents of the slots of kept tokens. */
function inSlots(tensor: Tensor, { state }: Reduced): number[][] {
  const attended = state.attended && lists(state.attended)
  return lists(tensor).map((row, b) => row.filter((_, slot) => attended?.[b]?.[slot] !== 0))
}

interface Token {
  readonly position: number
  /** Index among the real tokens. */
  readonly place: number
  readonly score: number
}

function attendedTokens({ scores, attended }: Rows): Token[][] {
  return scores.map((row, b) =>
    row
      .map((score, position) => ({ position, score }))
      .filter(({ position }) => attended?.[b]?.[position] !== 0)
      .map((token, place) => ({ ...token, place })),
  )
}

/** The rule, said plainly. */
function keptByRule(tokens: readonly Token[], protectedTokens: readonly number[], amount: Amount): Token[] {
  const byScore = [...tokens].sort((a, b) => b.score - a.score || a.position - b.position)
  const kept = byScore.filter(({ place }) => protectedTokens.includes(place))
  const free = byScore.filter(({ place }) => !protectedTokens.includes(place))
  const count = keptCount(tokens.length, amount)
  const chosen =
    count !== undefined
      ? [...kept, ...free].slice(0, Math.max(count, protectedTokens.length))
      : [
          ...kept,
          ...(amount.kind === 'mass'
            ? heaviest(free, amount.value)
            : free.filter(({ score }) => score >= amount.value)),
        ]
  // a row without any token could not be computed with: the best are kept, or of a sum of 0 the first
  const best = byScore.filter(({ score }) => score === byScore[0]?.score)
  const atLeast = amount.kind === 'threshold' ? best : best.slice(0, 1)
  return (chosen.length === 0 ? atLeast : chosen).sort((a, b) => a.position - b.position)
}

function heaviest(free: readonly Token[], mass: number): Token[] {
  const total = free.reduce((sum, { score }) => sum + score, 0)
  let held = 0
  return free.filter(({ score }) => {
    const isNeeded = held < mass * total
    held += score
    return isNeeded
  })
}

/** Whole scores, so that sums are exact; ties are frequent. Padding may be anywhere, on the left too. */
const someRows = fc
  .record({ batch: fc.integer({ min: 1, max: 3 }), tokens: fc.integer({ min: 1, max: 9 }) })
  .chain(({ batch, tokens }) => {
    const table = (most: number): fc.Arbitrary<number[][]> =>
      fc.array(fc.array(fc.integer({ min: 0, max: most }), { minLength: tokens, maxLength: tokens }), {
        minLength: batch,
        maxLength: batch,
      })
    const attended = table(1).map((list) => list.map((row) => (row.includes(1) ? row : row.map(() => 1))))
    return fc.record({
      scores: table(6),
      attended: fc.option(attended, { nil: undefined }),
      protectedTokens: fc.constantFrom([], [0], [0, 1], [0, 2], [3]),
    })
  })

const someValue: Readonly<Record<AmountKind, fc.Arbitrary<number>>> = {
  ratio: fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100),
  tokens: fc.integer({ min: 1, max: 12 }),
  remove: fc.integer({ min: 0, max: 6 }),
  threshold: fc.integer({ min: -1, max: 8 }).map((value) => value - 0.5),
  mass: fc.constantFrom(0.25, 0.5, 0.75, 1),
}

const someAmount: fc.Arbitrary<Amount> = fc.oneof(
  ...amountKinds.map((kind) => someValue[kind].map((value): Amount => ({ kind, value }))),
)

test('keeps the tokens that the budget says, site after site, with all their state', () => {
  fc.assert(
    fc.property(someRows, fc.array(someAmount, { minLength: 1, maxLength: 3 }), (rows, plan) => {
      let { hidden, state } = start(rows)
      let expected = attendedTokens(rows)
      for (const [layer, amount] of plan.entries()) {
        const reduced = reduceTokens({ method: byHidden, source: sourceOf(hidden, layer), state, amount })
        expected = expected.map((tokens) => keptByRule(tokens, rows.protectedTokens, amount))
        expect(inSlots(reduced.state.position, reduced)).toEqual(
          expected.map((row) => row.map(({ position }) => position)),
        )
        hidden = assume(reduced.cut?.take(hidden) as Tensor, ['B', 'N', 1])
        expect(inSlots(hidden, reduced)).toEqual(expected.map((row) => row.map(({ score }) => score)))
        state = reduced.state
      }
    }),
    { numRuns: 150 },
  )
})

test('orders the slots by kept tokens, padding and dropped tokens, as many as the budget says for ratio and tokens', () => {
  fc.assert(
    fc.property(someRows, someAmount, (rows, amount) => {
      const { scores, attended, protectedTokens } = rows
      const { cut } = reduceRows(byHidden, rows, amount)
      const indices = lists(cut?.indices as Tensor)
      const valid = cut?.valid === undefined ? indices.map((row) => row.map(() => 1)) : lists(cut.valid)
      const all = scores[0]?.length ?? 0
      const byShape = keptCount(all, amount)
      const fullest = Math.max(...valid.map((row) => row.filter((slot) => slot === 1).length))
      expect(cut?.ragged).toBe(byShape === undefined)
      indices.forEach((row, b) => {
        expect(row).toHaveLength(
          byShape === undefined ? fullest : Math.min(all, Math.max(byShape, protectedTokens.length)),
        )
        expect(new Set(row).size).toBe(row.length)
        const kinds = row.map((token, slot) => (valid[b]?.[slot] === 1 ? 0 : attended?.[b]?.[token] === 0 ? 1 : 2))
        expect(kinds).toEqual([...kinds].sort())
        // padding is enough to fill a row up where shapes fix the width
        if (byShape !== undefined) expect(kinds).not.toContain(2)
      })
    }),
    { numRuns: 100 },
  )
})

test('compacts carried state with the tokens, even on both of two axes', () => {
  const remembering = Object.freeze<Method>({
    name: 'remembering',
    family: 'baseline',
    carry: { sum: { dims: ['N'], init: 5 }, flow: { dims: ['N', 'N'], init: 'identity' } },
    reduce({ budget, attended, position, carried }) {
      return { keep: budget?.select(position) ?? attended, carry: { sum: position, flow: carried.flow as Tensor } }
    },
  })
  const { state } = reduceRows(remembering, { scores: [[0, 0, 0, 0]] }, { kind: 'tokens', value: 2 })
  expect(lists(state.carried.sum as Tensor)).toEqual([[2, 3]])
  expect(lists(state.carried.flow as Tensor)).toEqual([[1, 0, 0, 1]])
})

test('only observes a layer that the schedule does not name, and carries the first state on', () => {
  const { hidden, state } = start({ scores: [[7, 8, 9]] })
  const counting = Object.freeze<Method>({
    ...truncate(),
    carry: { seen: { dims: ['N'], init: 5 } },
  })
  const reduced = reduceTokens({ method: counting, source: sourceOf(hidden), state })
  expect(reduced.cut).toBeUndefined()
  expect(lists(reduced.state.position)).toEqual([[0, 1, 2]])
  expect(lists(reduced.state.carried.seen as Tensor)).toEqual([[5, 5, 5]])
})

describe('a method that selects by itself', () => {
  const even = Object.freeze<Method>({
    name: 'even',
    family: 'baseline',
    reduce: ({ position }) => ({ keep: or(equal(position, 0), or(equal(position, 2), equal(position, 4))) }),
  })

  test('may keep everything, so that nothing is pruned', () => {
    const rows = { scores: [[0, 0, 0]], protectedTokens: [0] }
    for (const attended of [undefined, [[1, 1, 0]]]) {
      const { cut, state } = reduceRows(none(), { ...rows, attended }, { kind: 'ratio', value: 0.1 })
      expect(cut).toBeUndefined()
      expect(lists(state.position)).toEqual([[0, 1, 2]])
    }
  })

  test('may keep no token of an example, and the graph still has one slot', () => {
    const nothing = Object.freeze<Method>({ ...even, reduce: ({ position }) => ({ keep: equal(position, -1) }) })
    const { cut } = reduceRows(nothing, { scores: [[0, 0]], attended: [[1, 1]] }, { kind: 'tokens', value: 1 })
    expect(lists(cut?.valid as Tensor)).toEqual([[0]])
  })
})

test('refuses mass where scores may be negative', () => {
  const rows = { scores: [[1, 2]] }
  expect(() => reduceRows(truncate(), rows, { kind: 'mass', value: 0.5 })).toThrow(/give keep, .*threshold/)
})

test.each<Amount>([
  { kind: 'tokens', value: 2 },
  { kind: 'ratio', value: 0.5 },
  { kind: 'remove', value: 1 },
])('tokens that are set aside are kept besides %o, in a model without padding', (amount) => {
  const setsAside: Method = {
    ...byHidden,
    reduce: (site) => ({ ...byHidden.reduce(site), aside: equal(squeeze(site.hidden, 2), 3) }),
  }
  const rows = {
    scores: [
      [4, 1, 9, 2, 5, 3],
      [8, 3, 6, 5, 2, 1],
    ],
  }
  const first = reduceRows(setsAside, rows, { kind: 'tokens', value: 4 })
  const hidden = assume(first.cut?.states(start(rows).hidden) as Tensor, ['B', 'N', 1])
  const next = reduceTokens({ method: byHidden, source: sourceOf(hidden, 1), state: first.state, amount })
  const sorted = (row: number[]): number[] => row.toSorted((a, b) => a - b)
  expect(inSlots(next.cut?.states(hidden) as Tensor, next).map(sorted)).toEqual([
    [3, 5, 9],
    [3, 6, 8],
  ])
})
