import {
  type Dim,
  isCapped,
  isUnknown,
  type Meeting,
  minDims,
  namesIn,
  substituteDim,
  type Unification,
} from '@tp/core/expression'

/**
 * Sizes that turn out to be equal while a graph is followed: exporters name one size differently from input to input
 * (`batch` and `batch_1`, `sequence` and `s0`).
 */
export interface EqualSizes {
  /** The meaning of each name: another name, a number or a formula; and of each min(64, N) that is known to be N. */
  readonly sameAs: ReadonlyMap<string, Dim>
  /** Called by core when two different sizes meet. */
  readonly unify: Unification
  /** Names that were taken to be equal although the model also runs with others. */
  readonly assumed: ReadonlySet<string>
  /**
   * From now on sizes that meet where a 1 would be stretched, or some rows left out, are taken to be equal, too.
   * @returns true if such sizes have met, so that another look shows more
   */
  assume(): boolean
  /** The size in the names that were chosen. */
  resolve(dim: Dim): Dim
}

/** @param order names to prefer, best first; a name that is not listed gives way */
export function equalSizes(order: readonly string[]): EqualSizes {
  const sameAs = new Map<string, Dim>()
  const assumed = new Set<string>()
  let [assuming, open] = [false, false]
  const rank = new Map([...new Set(order)].map((name, position) => [name, position]))
  const rankOf = (name: string): number => rank.get(name) ?? order.length

  const resolve = (dim: Dim): Dim => {
    let resolved = dim
    // A chain cannot be longer than the names in it: nothing is ever set equal to what contains it.
    for (let names = known(resolved); names.length > 0; names = known(resolved)) {
      const found = names.map((name): [string, Dim] => [name, endOf(name)])
      resolved = substituteDim(resolved, new Map(found))
    }
    return resolved
  }

  const known = (dim: Dim): string[] => [...namesIn(dim)].filter((name) => sameAs.has(name))

  /** The meaning of a name, at the end of a chain of names, which is shortened for the next time. */
  const endOf = (name: string): Dim => {
    const passed = [name]
    let end = sameAs.get(name) as Dim
    for (let next = nextOf(end); next !== undefined; next = nextOf(end)) {
      passed.push(end as string)
      end = next
    }
    for (const each of passed) sameAs.set(each, end)
    return end
  }

  const nextOf = (dim: Dim): Dim | undefined => (typeof dim === 'string' ? sameAs.get(dim) : undefined)

  const learn = (name: string, dim: Dim, meeting: Meeting): Dim | undefined => {
    if (namesIn(dim).has(name)) return undefined
    sameAs.set(name, dim)
    if (meeting !== 'equal') assumed.add(name)
    return dim
  }

  const unify = (left: Dim, right: Dim, meeting: Meeting): Dim | undefined => {
    const a = resolve(left)
    const b = resolve(right)
    if (meeting === 'smaller') return sameAs.get(`${minDims(a, b)}`) ?? sameAs.get(`${minDims(b, a)}`)
    if (a === b || isUnknown(b)) return a
    if (isUnknown(a)) return b
    // A number is the size of the result, whether the other is equal to it or a 1 that is stretched.
    if (typeof a === 'number') return typeof b === 'number' ? undefined : a
    if (typeof b === 'number') return b
    // No other sizes run: where there are more than 64, min(64, N) is neither N nor stretched.
    if (meeting !== 'rows' && isCapped(b, a)) return learn(b, a, 'equal')
    if (meeting !== 'rows' && isCapped(a, b)) return learn(a, b, 'equal')
    const [nameA, nameB] = [isName(a), isName(b)]
    // A formula says that there are other rows. A name that no input has is that of a value which some node made.
    if (meeting === 'rows' && !(nameA && nameB && rank.has(a) && rank.has(b))) return a
    if (meeting !== 'equal' && !assuming) {
      open = true
      return a
    }
    if (nameA && nameB) return rankOf(a) <= rankOf(b) ? learn(b, a, meeting) : learn(a, b, meeting)
    if (nameA) return learn(a, b, meeting)
    if (nameB) return learn(b, a, meeting)
    return unifyFormulas(a, b, meeting)
  }

  /** `N+1` and `M+1`: equal if one name in each makes them so; `2*N+1` and `N+M+1`: if the name that only one has is a name of the other. */
  const unifyFormulas = (a: Dim, b: Dim, meeting: Meeting): Dim | undefined => {
    const inB = namesIn(b)
    const inA = namesIn(a)
    const onlyA = [...inA].filter((name) => !inB.has(name))
    const onlyB = [...inB].filter((name) => !inA.has(name))
    if (onlyB.length === 0 && onlyA.length > 0) return unifyFormulas(b, a, meeting)
    const [y] = onlyB
    if (y === undefined || onlyA.length > 1 || onlyB.length > 1) return undefined
    const x = (onlyA.length > 0 ? onlyA : [...inA]).find((name) => substituteDim(b, { [y]: name }) === a)
    if (x === undefined) return undefined
    unify(x, y, meeting)
    return resolve(a)
  }

  const assume = (): boolean => {
    const isNew = open && !assuming
    assuming = true
    return isNew
  }

  return { sameAs, unify, assumed, assume, resolve }
}

function isName(dim: Dim): dim is string {
  return typeof dim === 'string' && namesIn(dim).has(dim)
}

/** A name that reads as one name in core's formulas: exporters also write `s0 + 1` or `2*batch`. */
export function plainName(name: string): string {
  // A formula repeats its names, so that no size may have one of a megabyte.
  if (name.length > LONGEST_NAME) return shortName(name)
  const plain = name.replace(/[^\p{L}\p{N}_]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`)
  return /^\d/.test(plain) ? `_${plain}` : plain
}

const LONGEST_NAME = 256
const shortNames = new Map<string, string>()

/** The same short name for the same long one. */
function shortName(name: string): string {
  const known = shortNames.get(name)
  if (known !== undefined) return known
  const short = `${plainName(name.slice(0, 32))}_${name.length}_${shortNames.size}`
  shortNames.set(name, short)
  return short
}
