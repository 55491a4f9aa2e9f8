import type { Dim, Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { change, type Flow, follow, placeholder } from './flow.ts'
import type { Program } from './program.ts'
import { shapeExpression } from './rows.ts'

/** Where the tokens of a stream are, and what follows from it for all that is computed from it. */
export interface TokenAxis {
  /** Token count as the file has it: a name, or a number where the length is fixed. */
  readonly count: Dim
  /** Type and shape of every value behind the stream, its token axes named `T`. */
  readonly changed: ReadonlyMap<string, Tensor>
  /** Leading tokens that something behind the stream reads, or skips, by their places. */
  readonly reads: number
  readonly readers: readonly TokenRead[]
}

/** A read of leading tokens by place. */
interface TokenRead {
  readonly node: NodeProto
  /** How many leading tokens have to stay in place for it. */
  readonly tokens: number
  /** It takes single tokens out (a class token); otherwise it takes a range, or skips the leading ones. */
  readonly single: boolean
}

/** Name of the token axis while a graph is being analysed. No size of a file has a name with a prime. */
export const TOKENS = "T'"

/**
 * Follows the tokens of a stream [b,n,D] to the outputs without changing anything.
 * @throws Refused if the tokens cannot be followed
 */
export function traceTokens(program: Program, stream: string): TokenAxis {
  const { dims } = program.tensor(stream)
  const count = dims[1] as Dim
  const reads: TokenRead[] = []
  const flow: Flow = {
    program,
    count: TOKENS,
    before: count,
    changed: new Map(),
    take: (name, axes) => ({ name, tensor: renamed(flow.changed.get(name) ?? program.tensor(name), name, axes) }),
    rewire: () => {},
    reads: (tokens, node, single) => reads.push({ node, tokens, single }),
    edits: false,
    wholeCount: () => undefined,
    letZerosCopy: () => {},
    shape: (entries, data) => {
      const explicit = entries.map((entry, axis) => (entry === 0 ? { axis } : entry))
      return { name: data, tensor: shapeExpression(explicit, flow.changed.get(data) ?? program.tensor(data)) }
    },
  }
  change(
    flow,
    stream,
    placeholder(
      stream,
      program.tensor(stream),
      dims.map((dim, axis) => (axis === 1 ? TOKENS : dim)),
    ),
  )
  follow(flow)
  return { count, changed: flow.changed, reads: Math.max(0, ...reads.map((read) => read.tokens)), readers: reads }
}

function renamed(tensor: Tensor, name: string, axes: readonly number[]): Tensor {
  return placeholder(
    name,
    tensor,
    tensor.dims.map((dim, axis) => (axes.includes(axis) ? TOKENS : dim)),
  )
}
