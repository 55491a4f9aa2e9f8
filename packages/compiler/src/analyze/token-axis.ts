import type { Tensor } from '@tp/core'
import { type Dim, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { change, placeholder } from '../operators/flow.ts'
import { follow } from '../operators/follow.ts'
import type { Flow } from '../operators/operator.ts'
import { shapeExpression } from '../operators/shape-expression.ts'
import { operators } from '../operators/table.ts'
import type { PositionRead } from '../operators/token-position.ts'
import type { Program } from '../program/program.ts'

/** Where the tokens of a stream are, and what follows from it for all that is computed from it. */
export interface TokenAxis {
  /** Token count as the file has it: a name, or a number where the length is fixed. */
  readonly count: Dim
  /** Type and shape of every value downstream of the stream, its token axes named `T`. */
  readonly changed: ReadonlyMap<string, Tensor>
  /** Leading tokens that something downstream of the stream reads, or skips, by position. */
  readonly reads: number
  readonly readers: readonly TokenRead[]
  /** Reads of single tokens at other positions. */
  readonly positionReads: readonly PositionRead[]
  /** Values that do not come from the stream and meet its tokens along these axes. */
  readonly taken: readonly { readonly name: string; readonly axes: readonly number[] }[]
}

/** A read of leading tokens by position. */
interface TokenRead {
  readonly node: NodeProto
  /** How many leading tokens have to be kept for it. */
  readonly tokens: number
  /** It takes single tokens out (a class token); otherwise it takes a range, or skips the leading ones. */
  readonly single: boolean
}

/** Name of the token axis while a graph is being analysed. No size of a file has a name with a prime. */
export const TOKENS = "T'"

/** How far tokens are followed. */
export interface TraceOptions {
  /** Nodes that are not followed. */
  readonly stops?: readonly NodeProto[]
  /** Other values with a row for each of these tokens: [b,n,D], or [b,h,n,d]. */
  readonly alongside?: readonly string[]
}

/**
 * Follows the tokens of a stream [b,n,D] to the outputs, without changing anything.
 * @throws Refused if the tokens cannot be followed
 */
export function traceTokens(program: Program, stream: string, options: TraceOptions = {}): TokenAxis {
  const { stops = [], alongside = [] } = options
  const count = program.tensor(stream).dims[1] as Dim
  const reads: TokenRead[] = []
  const positionReads: PositionRead[] = []
  const taken: TokenAxis['taken'][number][] = []
  const flow: Flow = {
    program,
    operators,
    count: TOKENS,
    before: count,
    batch: program.tensor(stream).dims[0] as Dim,
    changed: new Map(),
    take: (name, axes, _rank, _reader, skipped = 0) => {
      if (skipped === 0 && !flow.changed.has(name)) taken.push({ name, axes })
      return { name, tensor: renamed(flow.changed.get(name) ?? program.tensor(name), name, axes, skipped) }
    },
    rewire: () => {},
    reads: (tokens, node, single) => reads.push({ node, tokens, single }),
    readsAt: (position, node) => positionReads.push({ node, position }),
    edits: false,
    wholeCount: () => undefined,
    wholeShape: () => undefined,
    letZerosCopy: () => {},
    shape: (entries, data, reader, now) => {
      const explicit = entries.map((entry, axis) => (entry === 0 ? { axis } : entry))
      const current = now?.[1] ?? (reader.input[1] === undefined ? undefined : program.tensor(reader.input[1]))
      const sources = { data: flow.changed.get(data) ?? program.tensor(data), stream: program.tensor(stream) }
      return { name: data, tensor: shapeExpression(explicit, { ...sources, present: current }) }
    },
  }
  for (const name of [stream, ...alongside]) {
    const tensor = program.tensor(name)
    change(
      flow,
      name,
      placeholder(
        name,
        tensor,
        tensor.dims.map((dim, axis) => (axis === tensor.rank - 2 ? TOKENS : dim)),
      ),
    )
  }
  follow(flow, new Set(stops))
  const leading = Math.max(0, ...reads.map((read) => read.tokens))
  return { count, changed: flow.changed, reads: leading, readers: reads, positionReads, taken }
}

function renamed(tensor: Tensor, name: string, axes: readonly number[], skipped: number): Tensor {
  return placeholder(
    name,
    tensor,
    tensor.dims.map((dim, axis) => (axes.includes(axis) ? subDims(TOKENS, skipped) : dim)),
  )
}
