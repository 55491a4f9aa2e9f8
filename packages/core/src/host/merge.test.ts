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
  readonly weight: number
  readonly mass: number
  readonly attended: boolean
  readonly kept: boolean
  readonly into: number
  readonly order: number
}

interface Case {
  readonly rows: readonly (readonly Token[])[]
  readonly protectedTokens: readonly number[]
  readonly merge: 'mean' | 'sum' | 'norm'
  readonly ordered: boolean
}

const token = (tokens: number): fc.Arbitrary<Token> =>
  fc.record({
    x: fc.integer({ min: -9, max: 9 }),
    weight: fc.integer({ min: 0, max: 4 }),
    mass: fc.integer({ min: 0, max: 5 }),
    attended: fc.boolean(),
    kept: fc.boolean(),
    into: fc.integer({ min: -1, max: tokens - 1 }),
    order: fc.integer({ min: -3, max: 3 }),
  })

const someCase: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 7 }).chain((tokens) =>
  fc.record({
    rows: fc.array(fc.array(token(tokens), { minLength: tokens, maxLength: tokens }), { minLength: 1, maxLength: 3 }),
    protectedTokens: fc.constantFrom([], [0], [0, 1], [2]),
    merge: fc.constantFrom('mean', 'sum', 'norm'),
    ordered: fc.boolean(),
  }),
)

interface KeptToken {
  readonly position: number
  readonly x: number
  readonly size: number
}

/** The definition, token by token. */
function byDefinition(row: readonly Token[], { protectedTokens, merge, ordered }: Case): KeptToken[] {
  const place = (position: number): number => row.slice(0, position).filter(({ attended }) => attended).length
  const isProtected = (position: number): boolean => protectedTokens.includes(place(position))
  const kept = (position: number): boolean =>
    row[position]?.attended === true && (row[position].kept || isProtected(position))
  const left = row.flatMap((own, position) => {
    if (!kept(position)) return []
    const parts = row.filter((part, i) => part.attended && !kept(i) && part.into === position && !isProtected(position))
    const size = own.mass + parts.reduce((sum, part) => sum + part.mass, 0)
    return [{ position, size: Math.max(size, 1e-6), x: together(own, parts, merge, own.into === position) }]
  })
  const key = ({ position }: KeptToken): number =>
    isProtected(position) ? -1e9 : ordered ? (row[position]?.order ?? 0) : position
  return left.sort((a, b) => (ordered ? key(a) - key(b) || a.position - b.position : a.position - b.position))
}

function together(own: Token, parts: readonly Token[], merge: Case['merge'], countsItself: boolean): number {
  const all = [own, ...parts]
  const sum = parts.reduce((total, { x, weight }) => total + x * weight, 0)
  if (merge === 'sum') return own.x * (countsItself ? own.weight : 1) + sum
  const weight = all.reduce((total, part) => total + part.weight, 0)
  const mean = weight === 0 ? own.x : (own.x * own.weight + sum) / weight
  if (merge === 'mean' || parts.length === 0) return mean
  const longest = Math.max(...all.map(({ x }) => Math.abs(x)))
  // A mean that has canceled out has no direction to be stretched in.
  return Math.abs(mean) <= 1e-6 * longest ? mean : Math.sign(mean) * longest
}

function byHost(test: Case): KeptToken[][] {
  const { rows, protectedTokens, merge, ordered } = test
  const dims = [rows.length, rows[0]?.length ?? 0]
  const numbers = (of: (token: Token) => number): Tensor =>
    assume(constant(rows.flat().map(of), 'float32', dims), ['B', 'N'])
  const hidden = assume(
    constant(
      rows.flat().map(({ x }) => x),
      'float32',
      [...dims, 1],
    ),
    ['B', 'N', 1],
  )
  const reduction: Reduction = {
    keep: cast(
      numbers(({ kept }) => Number(kept)),
      'bool',
    ),
    into: cast(
      numbers(({ into }) => into),
      'int64',
    ),
    weight: numbers(({ weight }) => weight),
    mass: numbers(({ mass }) => mass),
    merge,
    ...(ordered && { order: numbers(({ order }) => order) }),
  }
  const method = Object.freeze<Method>({ name: 'given', family: 'baseline', reduce: () => reduction })
  const attended = cast(
    numbers(({ attended }) => Number(attended)),
    'bool',
  )
  const unused = (): never => {
    throw new Error('the test gives no attention')
  }
  const nothing = { query: unused, key: unused, value: unused, attention: unused, attentionFrom: unused }
  const source: SiteSource = { layer: 0, layerCount: 1, hidden, ...nothing, classToken: unused }
  const state = initialState(hidden, attended, protectedTokens)
  const { cut, state: after } = reduceTokens({ method, source, state, amount: { kind: 'tokens', value: 1 } })
  const outputs = [cut?.states(hidden), after.position, after.size, after.attended] as Tensor[]
  const [states, position, size, valid] = evaluate(outputs, {}, { precision: 'float64' }).map(lists)
  return rows.map((_, b) =>
    (position?.[b] ?? []).flatMap((position, slot) =>
      valid?.[b]?.[slot] === 1
        ? [{ position, x: states?.[b]?.[slot] as number, size: size?.[b]?.[slot] as number }]
        : [],
    ),
  )
}

function lists({ dims, data }: TensorLike): number[][] {
  const all = Array.from(data as ArrayLike<number>, Number)
  const width = all.length / (dims[0] as number)
  return Array.from({ length: dims[0] as number }, (_, row) => all.slice(row * width, (row + 1) * width))
}

test('merges pruned tokens into kept ones as defined', () => {
  fc.assert(
    fc.property(someCase, (drawn) => {
      const seen = byHost(drawn)
      drawn.rows.forEach((row, b) => {
        const expected = byDefinition(row, drawn)
        expect(seen[b]?.map(({ position }) => position)).toEqual(expected.map(({ position }) => position))
        seen[b]?.forEach(({ x, size }, i) => {
          expect(x).toBeCloseTo(expected[i]?.x as number, 9)
          expect(size).toBeCloseTo(expected[i]?.size as number, 9)
        })
      })
    }),
    { numRuns: 200 },
  )
})
