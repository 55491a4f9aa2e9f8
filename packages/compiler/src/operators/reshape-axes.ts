import { type Dim, divideExactly, mulDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { counts } from './flow.ts'
import type { Flow, ShapeEntry } from './operator.ts'

/**
 * Axes of a reshape's result for input axes `now`, given the axes before (`from` → `to`): both sides are cut into the
 * shortest groups of equal size; a group without tokens is unchanged, one with tokens has them in exactly one axis.
 */
export function reshapedDims(
  flow: Flow,
  node: NodeProto,
  from: readonly Dim[],
  to: readonly Dim[],
  now: readonly Dim[],
): Dim[] {
  const result: Dim[] = []
  let [i, o] = [0, 0]
  while (i < from.length || o < to.length) {
    const [iStart, oStart] = [i, o]
    let left: Dim = i < from.length ? (from[i++] as Dim) : 1
    let right: Dim = o < to.length ? (to[o++] as Dim) : 1
    while (left !== right) {
      // The smaller side grows; where sizes have names, smaller means that it divides the other.
      const leftIsSmaller =
        divideExactly(right, left) !== undefined || (divideExactly(left, right) === undefined && i < from.length)
      if (leftIsSmaller && i < from.length) left = mulDims(left, from[i++] as Dim)
      else if (!leftIsSmaller && o < to.length) right = mulDims(right, to[o++] as Dim)
      else throw mixed(node)
    }
    result.push(...regroup(flow, node, from.slice(iStart, i), now.slice(iStart, i), to.slice(oStart, o)))
  }
  return result
}

function regroup(flow: Flow, node: NodeProto, from: readonly Dim[], now: readonly Dim[], to: readonly Dim[]): Dim[] {
  if (!now.some((dim) => counts(flow, dim))) return [...to]
  // An axis by itself is unchanged, also where it omits leading tokens.
  if (now.length === 1 && to.length === 1) return [...now]
  const total = now.reduce<Dim>(mulDims, 1)
  const before = from.reduce<Dim>(mulDims, 1)
  const fitting = to.flatMap((dim, at) => {
    const others = to.filter((_, j) => j !== at).reduce<Dim>(mulDims, 1)
    const size = divideExactly(total, others)
    // The axis counts tokens the way it did before: old size and new size are the same multiple of the count.
    const share = size === undefined ? undefined : divideExactly(size, flow.count)
    const shareBefore = divideExactly(dim, flow.before)
    return share !== undefined && share === shareBefore && mulDims(others, dim) === before
      ? [to.map((d, j) => (j === at ? (size as Dim) : d))]
      : []
  })
  if (fitting.length === 1 && swapsAxes(flow, now, fitting[0] as Dim[])) throw shifted(node)
  const [only] = fitting
  // More than one: equal sizes (a batch as large as the token count) hide which axis it is.
  if (only === undefined || fitting.length > 1) throw mixed(node)
  return only
}

/**
 * True if the elements of one token are not next to each other as they were: one axis that counts tokens lies further in or
 * further out. An axis of several for each token may have them further in or further out than the tokens.
 */
function swapsAxes(flow: Flow, now: readonly Dim[], then: readonly Dim[]): boolean {
  const [before, after] = [now, then].map((dims) => {
    const at = dims.flatMap((dim, axis) => (counts(flow, dim) ? [axis] : []))
    const inner = dims.slice((at[0] ?? 0) + 1).reduce<Dim>(mulDims, 1)
    return at.length === 1
      ? { inner, whole: divideExactly(mulDims(dims[at[0] as number] as Dim, inner), flow.count) }
      : undefined
  })
  if (before?.whole === undefined || after?.whole === undefined) return false
  return (
    divideExactly(after.whole, before.inner) === undefined || divideExactly(before.whole, after.inner) === undefined
  )
}

function shifted(node: NodeProto): Refused {
  return new Refused(
    'TP_TOKEN_AXIS',
    'a reshape shifts the rows of tokens against each other (relative positions, as in Transformer-XL and XLNet), so a token cannot be pruned on its own',
    node,
  )
}

function mixed(node: NodeProto): Refused {
  return new Refused(
    'TP_TOKEN_AXIS',
    'a reshape mixes tokens with another axis (windows, or a grid), so a token cannot be pruned on its own',
    node,
  )
}

/** A shape for Reshape's second input that gives `target` for any number of tokens. `present`: its present contents; `batch`: of the stream. */
export function shapeEntries(
  from: readonly Dim[],
  target: readonly Dim[],
  present: readonly Dim[] = [],
  batch?: Dim,
): ShapeEntry[] | undefined {
  const entries: ShapeEntry[] = []
  const isOpen = (dim: Dim, at: number): boolean => typeof dim !== 'number' && from[at] !== dim
  const isNowhere = (dim: Dim, at: number): boolean =>
    isOpen(dim, at) && !from.includes(dim) && present[at] !== dim && dim !== batch
  // One size may be inferred: the one that is nowhere to be taken from, if there is one.
  const nowhere = target.findIndex(isNowhere)
  const inferred = nowhere >= 0 ? nowhere : target.findIndex(isOpen)
  for (const [at, dim] of target.entries()) {
    const axis = from.indexOf(dim)
    if (typeof dim === 'number') entries.push(dim)
    else if (from[at] === dim) entries.push(0)
    else if (at === inferred) entries.push(-1)
    else if (axis >= 0) entries.push({ axis })
    else if (present[at] === dim) entries.push({ copied: at })
    else if (dim === batch) entries.push({ ofStream: 'batch' })
    else return undefined
  }
  return entries
}
