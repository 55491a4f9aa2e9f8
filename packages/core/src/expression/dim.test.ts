import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addDims,
  type Dim,
  divideExactly,
  floorDivideDims,
  isPositive,
  isUnknown,
  maxDims,
  minDims,
  mulDims,
  namesIn,
  subDims,
  substituteDim,
  unknownDim,
} from './dim.ts'
import { withWorkLimit } from './work-limit.ts'

/** A size, and the number it is for given values of its names. */
interface Formula {
  readonly dim: Dim
  at(values: Readonly<Record<string, number>>): number
}

const name = (text: string): Formula => ({ dim: text, at: (values) => values[text] as number })
const whole = (value: number): Formula => ({ dim: value, at: () => value })

const { formula } = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('B', 'N', 'batch-size').map(name),
    fc.integer({ min: -6, max: 6 }).map(whole),
    fc
      .tuple(
        fc.constantFrom<[(a: Dim, b: Dim) => Dim, (a: number, b: number) => number]>(
          [addDims, (a, b) => a + b],
          [subDims, (a, b) => a - b],
          [mulDims, (a, b) => a * b],
          [maxDims, Math.max],
          [minDims, Math.min],
        ),
        tie('formula'),
        tie('formula'),
      )
      .map(
        ([[symbolic, numeric], a, b]): Formula => ({
          dim: symbolic(a.dim, b.dim),
          at: (values) => numeric(a.at(values), b.at(values)),
        }),
      ),
    fc.tuple(tie('formula'), fc.integer({ min: 1, max: 5 })).map(
      ([a, divisor]): Formula => ({
        dim: floorDivideDims(a.dim, divisor),
        at: (values) => Math.floor(a.at(values) / divisor),
      }),
    ),
  ),
}))

const values = fc.record({
  B: fc.integer({ min: 1, max: 9 }),
  N: fc.integer({ min: 1, max: 9 }),
  'batch-size': fc.integer({ min: 1, max: 9 }),
})

describe('arithmetic', () => {
  test('agrees with numbers once the names have values', () => {
    fc.assert(
      fc.property(formula, values, ({ dim, at }, sizes) => {
        expect(substituteDim(dim, sizes)).toBe(at(sizes) + 0)
      }),
    )
  })

  test('gives equal text to equal polynomials', () => {
    fc.assert(
      fc.property(formula, formula, formula, (a, b, c) => {
        expect(addDims(a.dim, b.dim)).toBe(addDims(b.dim, a.dim))
        expect(mulDims(a.dim, addDims(b.dim, c.dim))).toBe(addDims(mulDims(a.dim, b.dim), mulDims(c.dim, a.dim)))
        expect(subDims(a.dim, a.dim)).toBe(0)
      }),
    )
  })

  test('can be substituted one name after another', () => {
    fc.assert(
      fc.property(formula, values, ({ dim, at }, sizes) => {
        const { B, ...others } = sizes
        expect(substituteDim(substituteDim(dim, { B }), others)).toBe(at(sizes) + 0)
      }),
    )
  })

  test('divides a product by one of its factors', () => {
    fc.assert(
      fc.property(formula, fc.constantFrom<Dim>('B', 'N', 3, mulDims('B', 'N'), mulDims(4, 'N')), ({ dim }, factor) => {
        expect(divideExactly(mulDims(dim, factor), factor)).toBe(dim)
      }),
    )
  })

  test('calls only positive sizes positive', () => {
    const polynomial = fc
      .array(fc.tuple(fc.integer({ min: -3, max: 5 }), fc.constantFrom<Dim>(1, 'B', 'N', mulDims('B', 'N'))))
      .map((terms) => terms.reduce<Dim>((total, [factor, term]) => addDims(total, mulDims(factor, term)), 0))
    fc.assert(
      fc.property(polynomial, values, (dim, sizes) => {
        if (isPositive(dim)) expect(substituteDim(dim, sizes)).toBeGreaterThan(0)
      }),
    )
  })
})

describe('text', () => {
  test('a formula has one canonical text', () => {
    expect(addDims('N', 1)).toBe('N+1')
    expect(mulDims('N', 'B')).toBe('B*N')
    expect(subDims(addDims('N', 1), 1)).toBe('N')
    expect(floorDivideDims(addDims(mulDims(7000, 'N'), 9999), 10000)).toBe('floor((7000*N+9999)/10000)')
  })

  test('the text of a quotient is one quotient, however its strides were written', () => {
    const stride = (size: Dim, by: number): Dim => floorDivideDims(size, by)
    expect(stride(stride(stride('s', 5), 2), 2)).toBe(stride('s', 20))
    expect(stride(addDims(stride(addDims('s', 1), 64), 1), 3)).toBe(stride(addDims('s', 65), 192))
  })

  test('the text of ratios of ratios stays exact', () => {
    const kept = (size: Dim): Dim => floorDivideDims(addDims(size, 9999), 10000)
    const fewest = kept(kept(kept(kept(kept('N')))))
    expect(substituteDim(fewest, new Map([['N', 128]]))).toBe(1)
  })

  test('the text of a quotient does not depend on how it was reached', () => {
    expect(addDims(floorDivideDims(subDims('W', 4), 4), 1)).toBe(floorDivideDims('W', 4))
    expect(floorDivideDims(addDims(mulDims(10000, 'N'), 9999), 10000)).toBe('N')
  })

  test('gives the names in a formula', () => {
    expect([...namesIn(addDims(mulDims('B', 'N'), floorDivideDims('W', 2)))].sort()).toEqual(['B', 'N', 'W'])
    expect(namesIn(7).size).toBe(0)
  })
})

test('refuses to divide exactly where some sizes have a remainder', () => {
  expect(divideExactly('N', 2)).toBeUndefined()
  expect(divideExactly(addDims('N', 1), 'N')).toBeUndefined()
  expect(divideExactly(7, 2)).toBeUndefined()
  expect(divideExactly('N', 0)).toBeUndefined()
})

test('keeps unknown sizes different, and unknown in arithmetic', () => {
  expect(unknownDim()).not.toBe(unknownDim())
  expect(isUnknown(addDims(unknownDim(), 'N'))).toBe(true)
  expect(isUnknown('N')).toBe(false)
})

describe('formulas that a graph makes large', () => {
  /** N after that many steps. */
  const after = (steps: number, step: (dim: Dim, i: number) => Dim): Dim => {
    let dim: Dim = 'N'
    for (let i = 0; i < steps; i++) dim = step(dim, i)
    return dim
  }

  test.each<[string, (dim: Dim) => Dim]>([
    ['is squared and added to again and again', (dim) => addDims(mulDims(dim, dim), 'N')],
    ['is added to its third part', (dim) => addDims(floorDivideDims(dim, 3), dim)],
    ['divides another', (dim) => addDims(floorDivideDims('N', dim), dim)],
    ['is the larger of itself and a part of it', (dim) => maxDims(mulDims(dim, 3), subDims(minDims(dim, 'N'), 7))],
    ['is doubled until coefficients are no longer exact', (dim) => mulDims(dim, 1024)],
    ['is squared', (dim) => mulDims(dim, dim)],
  ])('become unknown where one %s', (_, step) => {
    expect(isUnknown(after(60, step))).toBe(true)
  })

  test('products of sums of many names are unknown', () => {
    expect(isUnknown(after(24, (dim, i) => mulDims(dim, addDims(`s${i}`, `t${i}`))))).toBe(true)
  })

  test('stop in a long division by a sum', () => {
    const power = after(200, (dim) => mulDims(dim, 'N'))
    expect(divideExactly(power, addDims(addDims('N', 'M'), 1))).toBeUndefined()
    expect(divideExactly(subDims(mulDims('N', 'N'), 1), addDims('N', 1))).toBe('N-1')
  })

  test('a sum of hundreds of terms stays exact, like the FLOPs of many layers', () => {
    const sum = after(300, (dim, i) => addDims(dim, mulDims('B', `kept'${i}`)))
    expect(substituteDim(sum, Object.fromEntries([...namesIn(sum)].map((each) => [each, 2])))).toBe(2 + 300 * 4)
  })

  test('formulas beyond the limit on work are unknown, and numbers are not', () => {
    withWorkLimit(100, () => {
      const sums = Array.from({ length: 200 }, (_, i) => addDims('N', i + 1))
      expect(sums[0]).toBe('N+1')
      expect(isUnknown(sums.at(-1) as Dim)).toBe(true)
      expect(addDims(2, 3)).toBe(5)
    })
    expect(addDims('N', 1000)).toBe('N+1000')
  })
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('allows a size named %s', (own) => {
  const area = mulDims(addDims(own, 1), 'N')
  expect(substituteDim(area, { N: 3 })).toBe(addDims(mulDims(3, own), 3))
  expect(substituteDim(area, new Map([[own, 4]]))).toBe('5*N')
})
