import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method, Reduction } from '../method/method.ts'
import { cast, constant } from '../ops/index.ts'
import { assume } from './assume.ts'
import { reduceTokens } from './reduce.ts'
import type { SiteSource } from './site-source.ts'
import { initialState } from './state.ts'

interface Token {
  readonly x: number
  readonly attended: boolean
  readonly keep: boolean
  /** To each of the row's tokens. */
  readonly parts: readonly number[]
}

interface Case {
  readonly rows: readonly (readonly Token[])[]
  readonly protectedTokens: readonly number[]
  readonly masked: boolean
}

const part = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(-2, Number.NaN))
const someCase: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 6 }).chain((tokens) => {
  const token = fc.record({
    x: fc.integer({ min: -9, max: 9 }),
    attended: fc.boolean(),
    keep: fc.boolean(),
    parts: fc.array(part, { minLength: tokens, maxLength: tokens }),
  })
  const row = fc.array(token, { minLength: tokens, maxLength: tokens })
  return fc.record({
    rows: fc.array(row, { minLength: 1, maxLength: 3 }),
    protectedTokens: fc.constantFrom([], [0], [2]),
    masked: fc.boolean(),
  })
})

interface Kept {
  readonly position: number
  readonly x: number
  readonly size: number
}

const positive = (x: number): number => (Number.isNaN(x) ? 0 : Math.max(x, 0))
const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** How many of a token end up in each other one of its row. */
function sharesOf(row: readonly Token[], from: number, { protectedTokens, masked }: Case): number[] {
  const isAttended = (i: number): boolean => !masked || row[i]?.attended === true
  const isProtected = (i: number): boolean =>
    protectedTokens.includes(row.slice(0, i).filter((_, j) => isAttended(j)).length)
  const isKept = (i: number): boolean => isAttended(i) && (row[i]?.keep === true || isProtected(i))
  if (isKept(from) || !isAttended(from)) return row.map(() => 0)
  const own = row[from]?.parts.map(positive) ?? []
  const taken = own.map((x, to) => (isKept(to) && !isProtected(to) ? x : 0))
  return total(taken) === 0 ? taken : taken.map((x) => (x * total(own)) / total(taken))
}

function byDefinition(row: readonly Token[], drawn: Case, merge: 'mean' | 'sum'): Kept[] {
  const isAttended = (i: number): boolean => !drawn.masked || row[i]?.attended === true
  const place = (i: number): number => row.slice(0, i).filter((_, j) => isAttended(j)).length
  const isKept = (i: number): boolean =>
    isAttended(i) && (row[i]?.keep === true || drawn.protectedTokens.includes(place(i)))
  const shares = row.map((_, from) => sharesOf(row, from, drawn))
  return row.flatMap(({ x }, i) => {
    if (!isKept(i)) return []
    const size = 1 + total(shares.map((of) => of[i] as number))
    const sum = x + total(shares.map((of, from) => (of[i] as number) * (row[from] as Token).x))
    return [{ position: i, x: merge === 'mean' ? sum / size : sum, size }]
  })
}

function byHost({ rows, protectedTokens, masked }: Case, merge: 'mean' | 'sum'): Kept[][] {
  const [batch, tokens] = [rows.length, rows[0]?.length ?? 0]
  const numbers = (of: (token: Token) => number): Tensor =>
    assume(constant(rows.flat().map(of), 'float32', [batch, tokens]), ['B', 'N'])
  const flat = (list: readonly number[], width: number): Tensor => constant(list, 'float32', [batch, tokens, width])
  const hidden = assume(
    flat(
      rows.flat().map(({ x }) => x),
      1,
    ),
    ['B', 'N', 1],
  )
  const reduction: Reduction = {
    keep: cast(
      numbers(({ keep }) => Number(keep)),
      'bool',
    ),
    into: assume(
      flat(
        rows.flat().flatMap(({ parts }) => parts),
        tokens,
      ),
      ['B', 'N', 'N'],
    ),
    merge,
  }
  const method = Object.freeze<Method>({ name: 'given', family: 'baseline', reduce: () => reduction })
  const unused = (): never => {
    throw new Error('the test gives no attention')
  }
  const nothing = { query: unused, key: unused, value: unused, attention: unused, attentionFrom: unused }
  const source: SiteSource = { layer: 0, layerCount: 1, hidden, ...nothing, classToken: unused }
  const attended = masked
    ? cast(
        numbers(({ attended }) => Number(attended)),
        'bool',
      )
    : undefined
  const reduced = reduceTokens({
    method,
    source,
    state: initialState(hidden, attended, protectedTokens),
    amount: { kind: 'tokens', value: 1 },
  })
  const { position, size, attended: valid } = reduced.state
  const outputs = [reduced.cut?.states(hidden), position, size, valid] as Tensor[]
  const [states, positions, sizes, kept] = evaluate(outputs, {}, { precision: 'float64' }).map(lists)
  return rows.map((_, b) =>
    (positions?.[b] ?? []).flatMap((position, slot) =>
      kept?.[b]?.[slot] === 1
        ? [{ position: position, x: states?.[b]?.[slot] as number, size: sizes?.[b]?.[slot] as number }]
        : [],
    ),
  )
}

function lists({ dims, data }: TensorLike): number[][] {
  const all = Array.from(data as ArrayLike<number>, Number)
  const width = all.length / (dims[0] as number)
  return Array.from({ length: dims[0] as number }, (_, row) => all.slice(row * width, (row + 1) * width))
}

test('divides a removed token among several as defined', () => {
  fc.assert(
    fc.property(someCase, fc.constantFrom('mean', 'sum'), (drawn, merge) => {
      const seen = byHost(drawn, merge)
      drawn.rows.forEach((row, b) => {
        const expected = byDefinition(row, drawn, merge)
        expect(seen[b]?.map(({ position }) => position)).toEqual(expected.map(({ position }) => position))
        seen[b]?.forEach(({ x, size }, i) => {
          expect(x).toBeCloseTo(expected[i]?.x as number, 9)
          expect(size).toBeCloseTo(expected[i]?.size as number, 9)
        })
      })
    }),
    { numRuns: 150 },
  )
})

test('loses no mass where the parts add up to 1, even with parts for protected tokens', () => {
  const parts = [0.5, 0.2, 0.1, 0.2]
  const keep = [true, true, true, false]
  const row = keep.map((isKept, i) => ({ x: i, attended: true, keep: isKept, parts }))
  const [kept = []] = byHost({ rows: [row], protectedTokens: [0], masked: true }, 'mean')
  expect(kept[0]).toEqual({ position: 0, x: 0, size: 1 })
  expect(total(kept.map(({ size }) => size))).toBeCloseTo(4, 6)
  // of the half and the fifth that cannot be taken in, twice as much comes to the one with 0.2 as to that with 0.1
  expect(kept[1]?.size).toBeCloseTo(1 + 2 / 3, 6)
})
