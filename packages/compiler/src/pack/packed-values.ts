import type { NodeProto } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import type { Program } from '../program/program.ts'
import { withLeadingAxes } from '../prune/rows.ts'
import { hasBatch, hasOneAxis, isTokensFirst, type Layout, layoutOf } from './layout.ts'
import { packedNode } from './operators.ts'
import type { PaddingRows } from './padding.ts'
import type { Segment } from './segments.ts'

/** A padded value and its packed form. A number for all tokens (the scale of a quantized product) has no layout. */
export interface PackedValue {
  readonly name: string
  readonly segment: Segment
  readonly layout: Layout | undefined
  /** Whether the padded value has the examples of a token next to each other, [n,…,b,…] or [n·b,…], not the tokens of an example. */
  readonly tokensFirst: boolean | undefined
  readonly padding: PaddingRows
}

/** Which values of a graph have a packed form so far. */
export class PackedValues {
  readonly program: Program
  /** Nodes whose results have a packed form: the padded one is computed only where something still reads it. */
  readonly replaced: Set<NodeProto> = new Set()
  /** Those results. */
  readonly results: Set<string> = new Set()
  /** Segments with an attention that hides no padding. */
  readonly seesPadding: Set<Segment> = new Set()
  readonly #values = new Map<string, PackedValue>()
  readonly #padded = new Map<string, { readonly name: string; readonly segment: Segment }>()
  readonly #once = new Map<string, string | undefined>()

  /** The values that segments begin with are packed at once. */
  constructor(program: Program, segments: readonly Segment[]) {
    this.program = program
    for (const segment of segments) {
      const layout = { rows: 0, axis: 1, folded: 1 }
      const name = this.#pack(segment.from, segment, layout)
      this.#values.set(segment.from, { name, segment, layout, tokensFirst: false, padding: 'any' })
      this.#padded.set(name, { name: segment.from, segment })
    }
  }

  get(name: string): PackedValue | undefined {
    return this.#values.get(name)
  }

  /** The padded value that a packed one stands for. */
  padded = (packed: string): { readonly name: string; readonly segment: Segment } | undefined =>
    this.#padded.get(packed)

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** Notes what stands for the results of a node, by their indices. */
  replace(node: NodeProto, packed: readonly string[], segment: Segment, padding: PaddingRows): void {
    this.replaced.add(node)
    const wereFirst = node.input.some((input) => this.#values.get(input)?.tokensFirst)
    for (const [i, output] of node.output.entries()) {
      if (output === '') continue
      const layout = layoutOf(this.program.tensor(output), segment)
      const tokensFirst = layout && (hasOneAxis(layout) ? wereFirst : isTokensFirst(layout))
      this.#values.set(output, { name: packed[i] as string, segment, layout, tokensFirst, padding })
      this.#padded.set(packed[i] as string, { name: output, segment })
      this.results.add(output)
    }
  }

  /**
   * Packs a value that is made outside, for a reader of `rank` axes with examples and tokens where `layout` says. The value may
   * be the same for every example: [1,…,n,…], or without an axis for it. Undefined where it is neither.
   */
  take(name: string, segment: Segment, layout: Layout, rank: number): string | undefined {
    if (isTokensFirst(layout)) return undefined
    const tensor = this.program.tensor(name)
    const missing = rank - tensor.rank
    const axis = layout.axis - missing
    if (axis < 0 || tensor.dims[axis] !== segment.count) return undefined
    const isShared = !tensor.dims.some((dim) => hasBatch(dim, segment))
    if (isShared && missing === 0 && tensor.dims[layout.rows] !== 1) return undefined
    const own = layoutOf(tensor, segment)
    const fits = missing === 0 && own?.axis === axis && own.rows === layout.rows && own.folded === layout.folded
    if (!isShared && !fits) return undefined
    return this.once(`${segment.from}/${name}/${layout.rows}/${layout.axis}/${rank}`, () => {
      const full = missing === 0 ? name : this.#widened(name, rank)
      return this.#pack(full, segment, isShared ? { ...layout, folded: 1 } : layout)
    })
  }

  /** The value that was made before for the same key, or is made now. */
  once<T extends string | undefined>(key: string, make: () => T): T {
    if (!this.#once.has(key)) this.#once.set(key, make())
    return this.#once.get(key) as T
  }

  /** Declares type and shape of a value, sizes that are not numbers left open. */
  declare(name: string, like: string, open?: number): void {
    const { dtype, dims } = this.program.tensor(like)
    const sizes = dims.map((dim, axis) => (typeof dim === 'number' && axis !== open ? dim : undefined))
    this.program.graph.setValueInfo(name, dtype, sizes)
  }

  #widened(name: string, rank: number): string {
    const known = this.program.tensor(name)
    const value = placeholder(name, known, known.dims)
    return this.program.write(withLeadingAxes(value, rank), new Map([[value, name]]), { prefix: `${name}/packed` }).name
  }

  #pack(name: string, segment: Segment, layout: Layout): string {
    const { graph } = this.program
    const output = graph.uniqueName(`${name}/packed`)
    const operator = hasOneAxis(layout) ? 'PackFlat' : 'Pack'
    graph.insert([packedNode(operator, { x: name, positions: segment.positions }, { y: output }, { ...layout })])
    // Downstream of an operator that it does not know, onnxruntime fuses only where the shape is declared.
    this.declare(output, name, layout.axis)
    return output
  }
}
