import type { NodeProto } from '@tp/onnx'
import type { RowAxis } from '../operators/operator.ts'
import { knownRowAxes } from '../operators/row-axes.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/** A stretch of an encoder in which the tokens are the same: from its first layer, or from a cut. */
export interface Stretch {
  /** The value that it begins with, [b,n,D]. */
  readonly from: string
  /** Name of its token count, which tells its token axes from all others. */
  readonly count: string
  /** float [b,n] how many tokens each stands for, 1 or more, where some were merged. */
  readonly size?: string | undefined
  /** Everything that the end of the stretch is computed from. */
  readonly own: ReadonlySet<string>
}

/** The rows of padding along an axis: as the model computes them, or told from others by a mask, whatever it makes of them. */
type Rows = 'open' | 'hidden'

/**
 * The first node of a stretch that brings tokens together, padding as well: what it reads comes from the tokens, and nothing that may be a mask has met it
 * on the way. So answers depend on what the model makes of padding. Values that cannot be followed are taken for masks.
 */
export function paddingReader(program: Program, { from, count, own, size }: Stretch): NodeProto | undefined {
  const open: ReadonlyMap<number, Rows> = new Map([[1, 'open']])
  const known = new Map([[from, open]])
  if (size !== undefined) known.set(size, open)
  for (const node of program.graph.nodes) {
    if (!node.input.some((input) => known.has(input))) continue
    const outputs = node.output.filter((output) => own.has(output) && !known.has(output))
    if (outputs.length === 0) continue
    const read = known.get(node.input[0] as string)
    if (axesBroughtTogether(program, node).some((axis) => read?.get(axis) === 'open')) return node
    for (const output of outputs) {
      const rows = [...program.tensor(output).dims.keys()].flatMap((axis) => {
        const found = rowsAt(output, axis)
        return found === undefined ? [] : [[axis, found] as const]
      })
      if (rows.length > 0) known.set(output, new Map(rows))
    }
  }
  return undefined

  function rowsAt(output: string, axis: number): Rows | undefined {
    const node = program.graph.producer(output) as NodeProto
    // Removed tokens are restored: those that were kept are written among all.
    if (node.opType === 'ScatterElements') return known.get(node.input[2] as string)?.get(axis)
    const axes = rowAxes(program, node, axis, count)
    const rows = axes.map((at, i) => (typeof at === 'number' ? known.get(node.input[i] as string)?.get(at) : undefined))
    if (rows.every((each) => each === undefined)) return undefined
    const isMasked = axes.some(
      (at, i) =>
        rows[i] === undefined && typeof at === 'number' && variesAlong(program, node.input[i] as string, at, count),
    )
    return isMasked || rows.includes('hidden') ? 'hidden' : 'open'
  }
}

/** For each input of a node, the axis with the rows that an axis of its result has. */
function rowAxes(program: Program, node: NodeProto, axis: number, count: string): readonly RowAxis[] {
  const [output] = node.output as [string]
  if (hasTrait(node, 'softmax')) return [axis]
  if (operatorOf(node)?.elementwise === undefined)
    return knownRowAxes(program, output, axis, count) ?? node.input.map(() => 'all')
  // A mask may have the number of kept tokens, or the name that it has for it.
  return node.input.map((input) => {
    if (input === '') return undefined
    const { dims, rank } = program.tensor(input)
    const own = axis - (program.tensor(output).rank - rank)
    return own < 0 || dims[own] === 1 ? undefined : own
  })
}

/** Axes of its first input along which a node makes one value of many, or weighs them by each other. */
function axesBroughtTogether(program: Program, node: NodeProto): readonly number[] {
  const { rank } = program.tensor(node.input[0] as string)
  const { axes, axis } = program.tensor(node.output[0] as string).node.attributes as {
    readonly axes?: readonly number[]
    readonly axis?: number
  }
  if (hasTrait(node, 'softmax')) return axis === undefined ? [] : [axis]
  if (!hasTrait(node, 'reduction') || hasTrait(node, 'grid')) return []
  return axes ?? Array.from({ length: rank }, (_, each) => each)
}

/** True if the contents of the model's inputs decide how the rows of a value differ along an axis. */
function variesAlong(program: Program, name: string, axis: number, count: string): boolean {
  const seen = new Set<string>()
  const queue: [name: string, axis: number][] = [[name, axis]]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const [value, at] = next
    if (seen.has(String(next)) || !program.dependsOnInputs(value)) continue
    seen.add(String(next))
    const node = program.graph.producer(value)
    if (node === undefined) return true
    const rows = rowAxes(program, node, at, count)
    for (const [i, row] of rows.entries()) {
      const input = node.input[i] as string
      const varies = program.dependsOnInputs(input)
      if (typeof row === 'number' && varies) queue.push([input, row])
      // Positions, compared with how many tokens an example has.
      else if (row === 'all' ? varies : row !== undefined && hasTrait(node, 'logic')) return true
    }
  }
  return false
}
