import {
  axisSize,
  concat,
  constant,
  type Dim,
  gather,
  isUnknown,
  shape,
  slice,
  squeeze,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import { type Flow, placeholder, type ShapeEntry } from './flow.ts'
import type { Named, Program } from './program.ts'
import { nameOf, Refused } from './refusal.ts'

/** How a value follows a cut: the tokens that stay, along axis 1 of something [B,N,…]. */
export interface Rows {
  /** x [B,N,…] → [B,K,…] */
  perRow(x: Tensor): Tensor
  /** x [N,…], the same for every row of the batch → [B,K,…]; or [1,K,…] where every row keeps the same tokens */
  shared(x: Tensor): Tensor
  /** Values of the graph that these expressions read. */
  readonly names: ReadonlyMap<Tensor, string>
}

/** Edits a program while the tokens behind a cut are followed. */
export class Rewriter {
  readonly program: Program
  readonly #stream: string
  readonly #rows: Rows
  readonly #count: string
  readonly #prefix: string
  readonly #taken = new Map<string, Named>()
  readonly #narrow = new Map<string, string>()

  /** `stream`: what the first block reads, [b,n,D] with all tokens. */
  constructor(program: Program, stream: string, rows: Rows, count: string, prefix: string) {
    this.program = program
    this.#stream = stream
    this.#rows = rows
    this.#count = count
    this.#prefix = prefix
  }

  rewire(node: NodeProto, index: number, name: string): void {
    this.program.graph.replaceInput(node, index, name)
  }

  /** See {@link Flow.take}. One value that is read in many blocks is taken once. */
  take(name: string, axes: readonly number[], rank: number, reader: NodeProto): Named {
    const key = `${name}/${axes.join(',')}/${rank}`
    const known = this.#taken.get(key)
    if (known !== undefined) return known
    const narrow = this.#withoutRepeats(name, axes)
    const left = axes.filter((axis) => this.program.tensor(narrow).dims[axis] !== 1)
    const taken =
      left.length === 0
        ? { name: narrow, tensor: this.program.tensor(narrow) }
        : this.#takeAxes(narrow, left, rank, reader)
    this.#taken.set(key, taken)
    return taken
  }

  #takeAxes(name: string, axes: readonly number[], rank: number, reader: NodeProto): Named {
    const actual = this.program.tensor(name)
    const value = placeholder(name, actual, actual.dims)
    const missing = rank - actual.rank
    let taken =
      missing > 0
        ? unsqueeze(
            value,
            Array.from({ length: missing }, (_, i) => i),
          )
        : value
    for (const axis of axes) taken = this.#takeAxis(taken, axis + missing, reader)
    const dims = actual.dims.map((dim, axis) => (axes.includes(axis) ? this.#count : dim))
    const batch = taken.dims[0] as Dim
    const full = [...Array.from({ length: missing }, () => 1), ...dims].map((dim, axis) => (axis === 0 ? batch : dim))
    const names = new Map([...this.#rows.names, [value, name]])
    return this.program.write(taken, names, { prefix: this.#prefix, before: reader, dims: [full] })
  }

  #takeAxis(x: Tensor, axis: number, reader: NodeProto): Tensor {
    if (axis === 0) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `a value that has tokens where others have the batch is read by "${nameOf(reader)}"`,
        reader,
      )
    }
    if (!this.#hasRows(x)) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `a value of shape ${x} is read by "${nameOf(reader)}", whose first axis holds more than the batch`,
        reader,
      )
    }
    const others = Array.from({ length: x.rank }, (_, i) => i).filter((i) => i !== axis && i !== 0)
    // The token axis is moved to where the rows of the cut apply, and back afterwards.
    const forth = [0, axis, ...others]
    const back = Array.from({ length: x.rank }, (_, i) => forth.indexOf(i))
    const moved = transpose(x, forth)
    const taken = x.dims[0] === 1 ? this.#rows.shared(squeeze(moved, [0])) : this.#rows.perRow(moved)
    return transpose(taken, back)
  }

  /** True if the first axis is the batch's, or repeats for it. */
  #hasRows({ dims: [first] }: Tensor): boolean {
    const batch = this.program.tensor(this.#stream).dims[0]
    return first === 1 || first === batch || isUnknown(first as Dim) || isUnknown(batch as Dim)
  }

  /** See {@link Flow.wholeCount}. */
  wholeCount(rank: 0 | 1, reader: NodeProto): Named {
    const actual = this.program.tensor(this.#stream)
    const value = placeholder(this.#stream, actual, actual.dims)
    const count = axisSize(value, 1)
    const expression = rank === 0 ? squeeze(count, [0]) : count
    const { name } = this.program.write(expression, new Map([[value, this.#stream]]), {
      prefix: this.#prefix,
      before: reader,
    })
    this.program.setTensor(name, expression)
    return { name, tensor: expression }
  }

  /** See {@link Flow.shape}. */
  shape(entries: readonly ShapeEntry[], data: string, reader: NodeProto): Named {
    const actual = this.program.tensor(data)
    const value = placeholder(data, actual, actual.dims)
    const expression = shapeExpression(entries, value)
    const { name } = this.program.write(expression, new Map([[value, data]]), { prefix: this.#prefix, before: reader })
    // The sizes themselves are known, not just how many there are.
    this.program.setTensor(name, expression)
    return { name, tensor: expression }
  }

  /**
   * An equal value that does not repeat itself along the given axes, if repeating is all that an Expand did for them:
   * a mask [b,1,1,n] that was expanded to [b,1,n,n] is needed for the keys only, since its readers broadcast.
   */
  #withoutRepeats(name: string, axes: readonly number[]): string {
    const known = this.#narrow.get(name)
    if (known !== undefined) return known
    const narrow = this.#narrower(name, axes) ?? name
    this.#narrow.set(name, narrow)
    return narrow
  }

  #narrower(name: string, axes: readonly number[]): string | undefined {
    const { program } = this
    const { graph } = program
    const node = graph.producer(name)
    const own = program.tensor(name)
    if (node === undefined || own.rank < 2 || axes.length < 2) return undefined
    if (node.opType === 'Expand') {
      const data = node.input[0] as string
      const from = program.tensor(data)
      return from.rank === own.rank && from.dims.some((dim, axis) => dim === 1 && own.dims[axis] !== 1)
        ? data
        : undefined
    }
    if (!repeatable.has(node.opType)) return undefined
    const inputs = node.input.map((input) => this.#withoutRepeats(input, axes))
    if (inputs.every((input, i) => input === node.input[i])) return undefined
    // The same node once more, on operands that are smaller; readers elsewhere keep the full one.
    const output = graph.uniqueName(`${this.#prefix}/${node.output[0]}`)
    const copy = createNode({ type: node.opType, domain: node.domain, name: output, inputs, outputs: [output] })
    copy.attribute = node.attribute
    const [tensor] = program.infer(
      copy,
      copy.input.map((input) => (input === '' ? undefined : program.tensor(input))),
    )
    if (tensor === undefined || !tensor.hasShape) return undefined
    graph.insert([copy], node)
    program.setTensor(output, tensor)
    return output
  }
}

/** Elementwise ops that masks are made of. */
const repeatable = new Set([
  'Where',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Cast',
  'Not',
  'And',
  'Or',
  'Equal',
  'Neg',
  'Identity',
])

/** A shape from numbers and sizes of `data`. */
export function shapeExpression(entries: readonly ShapeEntry[], data: Tensor): Tensor {
  if (entries.every((entry) => typeof entry === 'number')) return constant(entries, 'int64')
  const parts = entries.map((entry) =>
    typeof entry === 'number' ? constant([entry], 'int64') : shape(data, { start: entry.axis, end: entry.axis + 1 }),
  )
  return concat(parts, 0)
}

/** The first `count` tokens of every row. */
export function leadingRows(count: number): Rows {
  return {
    perRow: (x) => slice(x, { axis: 1, start: 0, end: count }),
    shared: (x) => unsqueeze(slice(x, { axis: 0, start: 0, end: count }), [0]),
    names: new Map(),
  }
}

/** The tokens that a cut keeps; `indices` int64 [B,K,1] is a value of the graph. */
export function keptRows(indices: Tensor, name: string, take: (x: Tensor) => Tensor): Rows {
  return { perRow: take, shared: (x) => gather(x, squeeze(indices, [2]), 0), names: new Map([[indices, name]]) }
}

/** The parts of a flow that edit the program. */
export function editing(
  rewriter: Rewriter,
): Pick<Flow, 'program' | 'edits' | 'take' | 'rewire' | 'shape' | 'wholeCount' | 'letZerosCopy'> {
  return {
    program: rewriter.program,
    edits: true,
    take: (name, axes, rank, reader) => rewriter.take(name, axes, rank, reader),
    rewire: (node, index, name) => rewriter.rewire(node, index, name),
    shape: (entries, data, reader) => rewriter.shape(entries, data, reader),
    wholeCount: (rank, reader) => rewriter.wholeCount(rank, reader),
    letZerosCopy: (reshape) => {
      reshape.attribute = reshape.attribute.filter((attribute) => attribute.name !== 'allowzero')
    },
  }
}
