import { mayWork } from './work-limit.ts'

/**
 * Sizes of axes: a number, or a polynomial in named sizes in canonical text (`N`, `B*N`, `N+1`,
 * `floor((7000*N+9999)/10000)`). Equal sizes have equal text, so `===` compares them. A name that starts
 * with `?` stands for an unknown size.
 *
 * A formula that grows too large, and one whose coefficients are no longer exact, becomes such an unknown size: a graph
 * can square a size repeatedly. Formulas of models have a few terms; those of FLOPs of many layers, hundreds.
 */
export type Dim = number | string

/** Formulas with more terms, or a longer text, are not followed. */
const MOST_TERMS = 1024
const MOST_TEXT = 2 ** 15
/** Limit on the products of terms in one multiplication. */
const MOST_PRODUCTS = 4 * MOST_TERMS
/** Limit on the terms of a quotient. */
const MOST_QUOTIENT = 64

/** monomial (factors joined by `*`, sorted; '' for the constant) -> coefficient */
type Polynomial = ReadonlyMap<string, number>
type Atom = { readonly kind: 'floor' | 'max' | 'min'; readonly left: Dim; readonly right: Dim }

// Canonical text is only ever made by `print`, which records what it stands for; any other text is a name.
const polynomials = new Map<string, Polynomial>()
const atoms = new Map<string, Atom>()
let unknowns = 0

/** A new unknown size. */
export function unknownDim(): Dim {
  unknowns += 1
  return `?${unknowns}`
}

export function isUnknown(dim: Dim): boolean {
  return typeof dim === 'string' && dim.includes('?')
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  const sum = new Map(read(a))
  for (const [monomial, coefficient] of read(b)) accumulate(sum, monomial, coefficient)
  return print(sum)
}

export function subDims(a: Dim, b: Dim): Dim {
  return addDims(a, mulDims(b, -1))
}

export function mulDims(a: Dim, b: Dim): Dim {
  // + 0: never -0, which is not the same to every comparison
  if (typeof a === 'number' && typeof b === 'number') return a * b + 0
  const product = new Map<string, number>()
  const [terms, others] = [read(a), read(b)]
  const products = terms.size * others.size
  // Each product concatenates the texts of two terms.
  const texts = (terms.size * String(b).length + others.size * String(a).length) >> 3
  if (products > MOST_PRODUCTS || !mayWork(products + texts)) return unknownDim()
  for (const [left, p] of terms) {
    for (const [right, q] of others) {
      const monomial = [...split(left), ...split(right)].sort().join('*')
      accumulate(product, monomial, p * q)
    }
  }
  return print(product)
}

/** Quotient if `b` divides `a` for every value of the names, else undefined. */
export function divideExactly(a: Dim, b: Dim): Dim | undefined {
  if (b === 1) return a
  if (a === b) return 1
  if (a === 0) return 0
  if (b === 0) return undefined
  const divisor = [...read(b)]
  const [only] = divisor
  if (only === undefined) return undefined
  if (divisor.length > 1) return sumQuotient(a, b)
  const [divisorMonomial, divisorCoefficient] = only
  const quotient = new Map<string, number>()
  for (const [monomial, coefficient] of read(a)) {
    if (coefficient % divisorCoefficient !== 0) return undefined
    const factors = split(monomial)
    for (const factor of split(divisorMonomial)) {
      const at = factors.indexOf(factor)
      if (at < 0) return undefined
      factors.splice(at, 1)
    }
    accumulate(quotient, factors.join('*'), coefficient / divisorCoefficient)
  }
  return print(quotient)
}

/** a / b for a sum b, by long division; undefined if there is a remainder. */
function sumQuotient(a: Dim, b: Dim): Dim | undefined {
  const leading = leadingTerm(b)
  let quotient: Dim = 0
  let rest = a
  for (let terms = 0; terms < MOST_QUOTIENT; terms++) {
    const term = divideExactly(leadingTerm(rest), leading)
    if (term === undefined) return undefined
    quotient = addDims(quotient, term)
    rest = subDims(rest, mulDims(term, b))
    if (rest === 0) return quotient
    if (isUnknown(rest) && !isUnknown(a)) return undefined
  }
  return undefined
}

/** The term of the highest degree, and among those the first one by its sorted factors: an order that products preserve. */
function leadingTerm(dim: Dim): Dim {
  const [first] = [...read(dim)].sort(([a], [b]) => {
    const [left, right] = [split(a), split(b)]
    if (left.length !== right.length) return right.length - left.length
    const at = left.findIndex((factor, i) => factor !== right[i])
    return at < 0 ? 0 : (left[at] as string) < (right[at] as string) ? -1 : 1
  })
  return first === undefined ? 0 : print(new Map([first]))
}

/** floor(a / b). */
export function floorDivideDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b) + 0
  const exact = divideExactly(a, b)
  if (exact !== undefined) return exact
  if (typeof b !== 'number' || b < 1) return atom('floor', a, b)
  // whole multiples are moved out of the brackets, so that floor((N-4)/4)+1 is floor((N)/4) however it was reached
  const whole = new Map<string, number>()
  const rest = new Map<string, number>()
  for (const [monomial, coefficient] of read(a)) {
    const times = Math.floor(coefficient / b)
    accumulate(whole, monomial, times)
    accumulate(rest, monomial, coefficient - times * b)
  }
  return addDims(print(whole), floorOnce(rest, b))
}

/** Strides are no larger; ratios of ratios, which are quotients by powers of 10,000, would leave the range of exact numbers. */
const MOST_STRIDE = 2 ** 20

/**
 * floor(a / b) as one quotient: floor((floor(x/c) + y) / b) = floor((x + c·y) / (c·b)). Exporters write strides one after another, or
 * multiplied.
 */
function floorOnce(a: ReadonlyMap<string, number>, b: number): Dim {
  for (const [monomial, coefficient] of a) {
    const inner = atoms.get(monomial)
    if (coefficient !== 1 || inner?.kind !== 'floor' || typeof inner.right !== 'number' || inner.right < 1) continue
    if (inner.right * b > MOST_STRIDE) continue
    const others = new Map(a)
    others.delete(monomial)
    return floorDivideDims(addDims(inner.left, mulDims(print(others), inner.right)), inner.right * b)
  }
  const rest = print(a)
  return typeof rest === 'number' ? Math.floor(rest / b) : atom('floor', rest, b)
}

export function maxDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  return a === b ? a : atom('max', a, b)
}

export function minDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.min(a, b)
  return a === b ? a : atom('min', a, b)
}

/** The two sizes of which `dim` is the smaller one, or the larger one. */
export function chosenFrom(kind: 'min' | 'max', dim: Dim): readonly [Dim, Dim] | undefined {
  const inner = typeof dim === 'string' ? atoms.get(dim) : undefined
  return inner?.kind === kind ? [inner.left, inner.right] : undefined
}

/** True for min(c, `size`) with a number c: where that has to be equal to the size, the size is at most c. */
export function isCapped(dim: Dim, size: Dim): boolean {
  const pair = chosenFrom('min', dim)
  return pair?.some((own, i) => typeof own === 'number' && pair[1 - i] === size) === true
}

/** Names that the size depends on. */
export function namesIn(dim: Dim): Set<string> {
  const names = new Set<string>()
  if (typeof dim === 'number') return names
  for (const monomial of read(dim).keys()) {
    for (const factor of split(monomial)) {
      const inner = atoms.get(factor)
      if (inner === undefined) names.add(factor)
      else for (const side of [inner.left, inner.right]) for (const name of namesIn(side)) names.add(name)
    }
  }
  return names
}

/** The size with names replaced by other sizes; other names are not changed. */
export function substituteDim(dim: Dim, sizes: Readonly<Record<string, Dim>> | ReadonlyMap<string, Dim>): Dim {
  return substituted(dim, sizes instanceof Map ? sizes : new Map(Object.entries(sizes)))
}

function substituted(dim: Dim, sizes: ReadonlyMap<string, Dim>): Dim {
  if (typeof dim === 'number') return dim
  let total: Dim = 0
  for (const [monomial, coefficient] of read(dim)) {
    let term: Dim = coefficient
    for (const factor of split(monomial)) term = mulDims(term, substituteFactor(factor, sizes))
    total = addDims(total, term)
  }
  return total
}

function substituteFactor(factor: string, sizes: ReadonlyMap<string, Dim>): Dim {
  const inner = atoms.get(factor)
  if (inner === undefined) return sizes.get(factor) ?? factor
  const left = substituted(inner.left, sizes)
  const right = substituted(inner.right, sizes)
  if (inner.kind === 'floor') return floorDivideDims(left, right)
  return inner.kind === 'max' ? maxDims(left, right) : minDims(left, right)
}

/**
 * Smallest value the size can take when every name is at least 1, or undefined if that is not known.
 * Enough to see that `N+1` is never 1 and `-N` is never -1's equal.
 */
export function isPositive(dim: Dim): boolean {
  if (typeof dim === 'number') return dim > 0
  let lower = 0
  for (const coefficient of read(dim).values()) {
    if (coefficient < 0) return false
    lower += coefficient
  }
  return lower > 0
}

function atom(kind: Atom['kind'], left: Dim, right: Dim): Dim {
  if (!mayWork(1)) return unknownDim()
  const text = kind === 'floor' ? `floor(${bracketed(left)}/${bracketed(right)})` : `${kind}(${left},${right})`
  if (text.length > MOST_TEXT) return unknownDim()
  atoms.set(text, { kind, left, right })
  return print(new Map([[text, 1]]))
}

function bracketed(dim: Dim): Dim {
  return typeof dim === 'number' || /^[\w?]+$/.test(dim) ? dim : `(${dim})`
}

function read(dim: Dim): Polynomial {
  if (typeof dim === 'number') return new Map(dim === 0 ? [] : [['', dim]])
  return polynomials.get(dim) ?? new Map([[dim, 1]])
}

function split(monomial: string): string[] {
  if (monomial === '') return []
  if (!monomial.includes('(')) return monomial.split('*')
  const factors: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < monomial.length; i++) {
    const c = monomial[i]
    if (c === '(') depth += 1
    else if (c === ')') depth -= 1
    else if (c === '*' && depth === 0) {
      factors.push(monomial.slice(start, i))
      start = i + 1
    }
  }
  factors.push(monomial.slice(start))
  return factors
}

function accumulate(polynomial: Map<string, number>, monomial: string, coefficient: number): void {
  const next = (polynomial.get(monomial) ?? 0) + coefficient
  if (next === 0) polynomial.delete(monomial)
  else polynomial.set(monomial, next)
}

function print(polynomial: Polynomial): Dim {
  if (polynomial.size === 0) return 0
  const constant = polynomial.get('')
  if (polynomial.size === 1 && constant !== undefined) return constant
  if (polynomial.size > MOST_TERMS || !mayWork(polynomial.size)) return unknownDim()
  const terms = [...polynomial].sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
  let text = ''
  for (const [monomial, coefficient] of terms) {
    const sign = coefficient < 0 ? '-' : text === '' ? '' : '+'
    const size = Math.abs(coefficient)
    if (!(size <= Number.MAX_SAFE_INTEGER)) return unknownDim()
    const body = monomial === '' ? `${size}` : size === 1 ? monomial : `${size}*${monomial}`
    text += sign + body
  }
  // Long texts cost memory, however few terms they have.
  if (text.length > MOST_TEXT || !mayWork(text.length >> 3)) return unknownDim()
  if (!polynomials.has(text)) polynomials.set(text, new Map(polynomial))
  return text
}
