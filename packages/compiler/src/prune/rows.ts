import {
  add,
  axisSize,
  concat,
  expand,
  gather,
  gatherND,
  reshape,
  slice,
  squeeze,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import { type Dim, isUnknown, mulDims, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import { headsInBatch, unfoldHeads } from '../operators/heads.ts'
import type { Flow, ShapeEntry } from '../operators/operator.ts'
import { shapeExpression } from '../operators/shape-expression.ts'
import { operators } from '../operators/table.ts'
import type { Named, Program } from '../program/program.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import { Repeats } from './repeats.ts'

/** How a value follows a cut: the kept tokens. */
export type Rows = SameRows | OwnRows

/** In every example the same tokens. */
export interface SameRows {
  /** `skipped`: leading tokens that x has no rows for; they are kept, and the result has none either */
  along(x: Tensor, axis: number, skipped: number): Tensor
}

/** Each example has tokens of its own, along axis 1 of something [B,N,…]. */
export interface OwnRows {
  /** x [B,N,…] → [B,K,…] */
  perRow(x: Tensor, skipped: number): Tensor
  /** x [N,…], the same for every example → [B,K,…]; or [1,K,…] where every example keeps the same tokens */
  shared(x: Tensor, skipped: number): Tensor
  /** Values of the graph that these expressions read. */
  readonly names: ReadonlyMap<Tensor, string>
}

/** Edits a program while the tokens downstream of a cut are followed. */
export class Rewriter {
  readonly program: Program
  readonly #stream: string
  readonly #rows: Rows
  readonly #count: string
  readonly #prefix: string
  readonly #taken = new Map<string, Named>()
  readonly #followers = new Map<string, string>()
  readonly #repeats: Repeats

  /** `stream`: what the first layer reads, [b,n,D] with all tokens. */
  constructor(program: Program, stream: string, rows: Rows, count: string, prefix: string) {
    this.program = program
    this.#stream = stream
    this.#rows = rows
    this.#count = count
    this.#prefix = prefix
    this.#repeats = new Repeats(program, prefix)
  }

  /** Values that were taken → what they were taken from, with as many axes. */
  get taken(): Map<string, string> {
    return new Map(this.#followers)
  }

  rewire(node: NodeProto, index: number, name: string): void {
    this.program.graph.replaceInput(node, index, name)
  }

  /** See {@link Flow.take}. One value that is read in many layers is taken once. */
  take(name: string, axes: readonly number[], rank: number, reader: NodeProto, skipped = 0): Named {
    const source = this.#source(name)
    const key = `${source}/${axes.join(',')}/${rank}/${skipped}`
    const known = this.#taken.get(key)
    if (known !== undefined) return known
    const narrow = axes.length < 2 ? source : this.#repeats.without(source)
    const remaining = axes.filter((axis) => this.program.tensor(narrow).dims[axis] !== 1)
    const taken =
      remaining.length === 0
        ? { name: narrow, tensor: this.program.tensor(narrow) }
        : this.#takeAxes(narrow, remaining, rank, reader, skipped)
    this.#taken.set(key, taken)
    if (taken.name !== name && taken.tensor.rank === this.program.tensor(name).rank)
      this.#followers.set(taken.name, name)
    return taken
  }

  #takeAxes(name: string, axes: readonly number[], rank: number, reader: NodeProto, skipped: number): Named {
    const actual = this.program.tensor(name)
    const value = placeholder(name, actual, actual.dims)
    const missing = rank - actual.rank
    const heads = actual.rank === 3 ? headsInBatch(this.program, name, this.batch) : undefined
    if (heads !== undefined) return this.#takePerHead(value, name, heads, axes, reader, skipped)
    let taken = withLeadingAxes(value, rank)
    for (const axis of axes) taken = this.#takeAxis(taken, axis + missing, name, reader, skipped)
    const count = subDims(this.#count, skipped)
    const dims = actual.dims.map((dim, axis) => (axes.includes(axis) ? count : dim))
    const isShared = missing > 0 || actual.dims[0] === 1
    const repeats =
      isShared && rank === 3 ? headsInBatch(this.program, reader.output[0] as string, this.batch) : undefined
    if (repeats !== undefined && taken.dims[0] !== 1) return this.#repeatForHeads(taken, value, name, repeats, reader)
    const full = [...Array.from({ length: missing }, () => 1), ...dims]
    // Values that were the same for every example may differ between them now.
    if (missing > 0 || !axes.includes(0)) full[0] = taken.dims[0] as Dim
    const names = new Map([...this.#names, [value, name]])
    return this.program.write(taken, names, { prefix: this.#prefix, before: reader, dims: [full] })
  }

  /** [b,·,·] → [b·h,·,·], for a reader that has its heads folded into the batch. */
  #repeatForHeads(taken: Tensor, value: Tensor, name: string, heads: number, reader: NodeProto): Named {
    const [first, queries, keys] = taken.dims as [Dim, Dim, Dim]
    const sizes = [axisSize(taken, 0), heads, axisSize(taken, 1), axisSize(taken, 2)]
    const repeated = reshape(expand(unsqueeze(taken, [1]), sizes), [-1, axisSize(taken, 1), axisSize(taken, 2)])
    const names = new Map([...this.#names, [value, name]])
    const dims = [mulDims(first, heads), queries, keys]
    const written = this.program.write(repeated, names, { prefix: this.#prefix, before: reader, dims: [dims] })
    this.program.heads.set(written.name, heads)
    return written
  }

  /** Of [b·h,·,·]: each example's tokens in all its heads. */
  #takePerHead(
    value: Tensor,
    name: string,
    heads: number,
    axes: readonly number[],
    reader: NodeProto,
    skipped: number,
  ): Named {
    let taken = unfoldHeads(value, heads)
    for (const axis of axes) taken = this.#takeAxis(taken, axis + 1, name, reader, skipped)
    const count = subDims(this.#count, skipped)
    const dims = value.dims.map((dim, axis) => (axes.includes(axis) ? count : dim))
    const folded = reshape(taken, [-1, axisSize(taken, 2), axisSize(taken, 3)])
    const names = new Map([...this.#names, [value, name]])
    const written = this.program.write(folded, names, { prefix: this.#prefix, before: reader, dims: [dims] })
    this.program.heads.set(written.name, heads)
    return written
  }

  /** @param name of the value that x is a view of */
  #takeAxis(x: Tensor, axis: number, name: string, reader: NodeProto, skipped: number): Tensor {
    const rows = this.#rows
    if ('along' in rows) return rows.along(x, axis, skipped)
    if (axis === 0 && x.rank > 1 && x.dims[1] === this.batch) {
      const turned = [1, 0, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 2)]
      return transpose(this.#takeAxis(transpose(x, turned), 1, name, reader, skipped), turned)
    }
    if (axis === 0) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `a value that has tokens where others have the batch is read by "${nameOf(reader)}"`,
        reader,
      )
    }
    const batch = this.#batchAxis(x, name)
    if (batch === undefined) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `a value of shape ${x} is read by "${nameOf(reader)}", and it is not certain which of its axes is the batch`,
        reader,
      )
    }
    const others = Array.from({ length: x.rank }, (_, i) => i).filter((i) => i !== axis && i !== batch)
    // The token axis is moved to where the rows of the cut apply, and back afterwards.
    const forth = [batch, axis, ...others]
    const back = Array.from({ length: x.rank }, (_, i) => forth.indexOf(i))
    const moved = transpose(x, forth)
    const taken = x.dims[batch] === 1 ? rows.shared(squeeze(moved, [0]), skipped) : rows.perRow(moved, skipped)
    return transpose(taken, back)
  }

  /**
   * The axis of the batch, or one that repeats for it: the first, or after that of queries, keys and values [3,b,h,n,d], or of stacked
   * layers [1,b,n,D].
   */
  #batchAxis({ dims }: Tensor, name: string): number | undefined {
    const batch = this.batch
    const [first] = dims as [Dim]
    const equal = dims.flatMap((dim, axis) => (dim === batch ? [axis] : []))
    const isStacked = first === 1 && batch !== 1 && equal.length > 0 && this.program.dependsOnInputs(name)
    if (isStacked) return equal.length === 1 ? equal[0] : undefined
    const isAmbiguous = dims.length > 4 && equal.length > 1 && batch !== 1
    if (!isAmbiguous && (first === 1 || first === batch || isUnknown(first) || isUnknown(batch))) return 0
    return equal.length === 1 ? equal[0] : undefined
  }

  get #names(): Iterable<[Tensor, string]> {
    return 'names' in this.#rows ? this.#rows.names : []
  }

  /** The batch size of the stream. */
  get batch(): Dim {
    return this.program.tensor(this.#stream).dims[0] as Dim
  }

  /** See {@link Flow.wholeCount}. */
  wholeCount(rank: 0 | 1, reader: NodeProto, more = 0): Named {
    const actual = this.program.tensor(this.#stream)
    const value = placeholder(this.#stream, actual, actual.dims)
    const count = more === 0 ? axisSize(value, 1) : add(axisSize(value, 1), more)
    const expression = rank === 0 ? squeeze(count, [0]) : count
    const { name } = this.program.write(expression, new Map([[value, this.#stream]]), {
      prefix: this.#prefix,
      before: reader,
    })
    this.program.setTensor(name, expression)
    return { name, tensor: expression }
  }

  /** See {@link Flow.wholeShape}. */
  wholeShape(dims: readonly Dim[], reader: NodeProto): Named | undefined {
    const known = this.program.tensor(this.#stream).dims
    const axes = dims.map((dim) => (dim === this.#count ? 1 : known.indexOf(dim)))
    if (dims.some((dim, i) => typeof dim !== 'number' && (axes[i] as number) < 0)) return undefined
    const entries = dims.map((dim, i) => (typeof dim === 'number' ? dim : { axis: axes[i] as number }))
    return this.shape(entries, this.#stream, reader)
  }

  /** See {@link Flow.shape}. */
  shape(
    entries: readonly ShapeEntry[],
    data: string,
    reader: NodeProto,
    now: readonly (Tensor | undefined)[] = [],
  ): Named {
    const shape = entries.some((entry) => typeof entry === 'object' && 'copied' in entry) ? reader.input[1] : undefined
    const known = shape === undefined ? undefined : (now[1] ?? this.program.tensor(shape))
    // Sizes that are numbers are written as such: those of the present values. The program of a model whose length is fixed
    // still has the old ones as numbers.
    const present = new Map([[data, now[0] ?? this.program.tensor(data)]])
    if (shape !== undefined && known !== undefined) present.set(shape, known)
    const before = new Map([...present.keys()].map((name) => [name, this.program.tensor(name)]))
    for (const [name, tensor] of present) this.program.setTensor(name, tensor)
    const [value, previous] = [...present].map(([name, tensor]) => placeholder(name, tensor, tensor.dims))
    const whole = this.program.tensor(this.#stream)
    const stream = placeholder(this.#stream, whole, whole.dims)
    const names = new Map([
      [value as Tensor, data],
      [stream, this.#stream],
    ])
    if (shape !== undefined && previous !== undefined) names.set(previous, shape)
    const expression = shapeExpression(entries, { data: value as Tensor, stream, present: previous })
    const { name } = this.program.write(expression, names, { prefix: this.#prefix, before: reader })
    for (const [name, tensor] of before) this.program.setTensor(name, tensor)
    // The sizes themselves are known, not just how many there are.
    const tensor = shapeExpression(entries, { data: value as Tensor, stream, present: known })
    this.program.setTensor(name, tensor)
    return { name, tensor }
  }

  /** The value that a slice of all of it only passes on: exporters slice the mask again in every layer. */
  #source(name: string): string {
    const { program } = this
    const node = program.graph.producer(name)
    if (node?.opType !== 'Slice') return name
    const [data, steps] = [node.input[0] as string, node.input[4] ?? '']
    const [from, to] = [program.tensor(data).dims, program.tensor(name).dims]
    const isWhole = to.every((dim, axis) => dim === from[axis] && !isUnknown(dim))
    const forwards = steps === '' || program.tensor(steps).value?.every((step) => step === 1) === true
    return isWhole && forwards ? this.#source(data) : name
  }
}

/** x with axes of size 1 in front, up to a rank. */
export function withLeadingAxes(x: Tensor, rank: number): Tensor {
  const missing = Array.from({ length: Math.max(0, rank - x.rank) }, (_, i) => i)
  return missing.length === 0 ? x : unsqueeze(x, missing)
}

/** The first `count` tokens of every example. */
export function leadingRows(count: number): SameRows {
  return { along: (x, axis, skipped) => slice(x, { axis, start: 0, end: count - skipped }) }
}

/** The tokens that a cut keeps; `indices` int64 [B,K,1] is a value of the graph. */
export function keptRows(indices: Tensor, name: string): OwnRows {
  const after = (skipped: number): Tensor => (skipped === 0 ? indices : slice(indices, { axis: 1, start: skipped }))
  return {
    perRow: (x, skipped) => gatherND(withSkipped(x, 1, skipped), after(skipped), 1),
    shared: (x, skipped) => gather(withSkipped(x, 0, skipped), squeeze(after(skipped), [2]), 0),
    names: new Map([[indices, name]]),
  }
}

/** Rows for the skipped leading tokens, which nobody reads: integers that are subtracted from indices would leave a GPU. */
function withSkipped(x: Tensor, axis: number, skipped: number): Tensor {
  if (skipped === 0) return x
  const some = slice(x, { axis, start: 0, end: 1 })
  return concat([...Array.from({ length: skipped }, () => some), x], axis)
}

/** The parts of a flow that edit the program. */
export function editing(
  rewriter: Rewriter,
): Pick<
  Flow,
  | 'program'
  | 'operators'
  | 'batch'
  | 'edits'
  | 'take'
  | 'rewire'
  | 'shape'
  | 'wholeCount'
  | 'wholeShape'
  | 'letZerosCopy'
> {
  return {
    program: rewriter.program,
    operators,
    batch: rewriter.batch,
    edits: true,
    take: (name, axes, rank, reader, skipped) => rewriter.take(name, axes, rank, reader, skipped),
    rewire: (node, index, name) => rewriter.rewire(node, index, name),
    shape: (entries, data, reader, now) => rewriter.shape(entries, data, reader, now),
    wholeCount: (rank, reader, more) => rewriter.wholeCount(rank, reader, more),
    wholeShape: (dims, reader) => rewriter.wholeShape(dims, reader),
    letZerosCopy: (reshape) => {
      reshape.attribute = reshape.attribute.filter((attribute) => attribute.name !== 'allowzero')
    },
  }
}
