import type { NodeProto } from '@tp/onnx'
import type { Attention } from './attention.ts'
import { quantisingOps } from './operators.ts'
import type { Program } from './program.ts'

/** One transformer block, by the names of its values. */
export interface Block {
  readonly attention: Attention
  /** The residual stream that the block reads: [b,n,D] */
  readonly input: string
  /** Where tokens may leave: after the attention's residual, and its norm if that comes next. [b,n,D] */
  readonly site: string
  /** Whether norms come before the sub-layers, or after their residuals. */
  readonly norm: 'pre' | 'post'
}

/** Ops that a normalisation is made of, besides LayerNormalization itself. */
const normOps = new Set([
  'LayerNormalization',
  'SimplifiedLayerNormalization',
  'ReduceMean',
  'Sub',
  'Pow',
  'Mul',
  'Add',
  'Sqrt',
  'Div',
  'Cast',
  'Reciprocal',
  ...quantisingOps,
])

/** Those of them without which it is none. */
const averagingOps = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'ReduceMean'])

/** Products with weights, which an FFN is made of. */
const productOps = new Set(['MatMul', 'Gemm', 'FusedMatMul', 'FusedGemm', 'MatMulInteger', 'MatMulNBits'])

/**
 * The block around an attention, or undefined if its result is not added to the stream it was made from (pooling
 * heads, cross attention).
 */
export function findBlock(program: Program, attention: Attention): Block | undefined {
  const residual = followToResidual(program, attention.context)
  if (residual === undefined) return undefined
  const { input, sum } = residual
  const { query, keyTransposed, value } = attention
  if (![query, keyTransposed, value].every((name) => comesFrom(program, name, input))) return undefined
  const normed = afterNorm(program, sum)
  return { attention, input, site: normed ?? sum, norm: normed === undefined ? 'pre' : 'post' }
}

/** The stream that the block gives on: after the FFN's residual, and its norm in a post-norm model. */
export function stackEnd(program: Program, block: Block): string | undefined {
  let sum: string | undefined = block.site
  let computes = false
  // Casts may stand between the site and the FFN: on to where something was computed.
  while (sum !== undefined && !computes) {
    sum = whereOpenEnds(program, sum, (node) => {
      computes ||= productOps.has(node.opType)
      return true
    })
  }
  return sum === undefined || block.norm === 'pre' ? sum : afterNorm(program, sum)
}

/**
 * The first sum of what follows the context with something that was there before it. Everything in between (an output
 * projection, quantised or not) must be computed from the context and constants alone.
 */
function followToResidual(program: Program, context: string): { input: string; sum: string } | undefined {
  const after = new Set([context])
  const pending = new Set(readersOf(program, context))
  const done = new Set<NodeProto>()
  const othersOf = (node: NodeProto): string[] =>
    node.input.filter((name) => name !== '' && !after.has(name) && program.dependsOnInputs(name))
  for (;;) {
    const ready = [...pending].find((node) => othersOf(node).length === 0)
    if (ready === undefined) break
    pending.delete(ready)
    done.add(ready)
    for (const output of ready.output) {
      if (output === '') continue
      after.add(output)
      for (const reader of readersOf(program, output)) if (!done.has(reader)) pending.add(reader)
    }
  }
  // Anything else that joins values of the input (a gate, a second attention) is no plain output projection.
  const [sum] = pending
  if (sum === undefined || pending.size > 1 || sum.opType !== 'Add') return undefined
  const [input, ...more] = othersOf(sum)
  return input === undefined || more.length > 0 ? undefined : { input, sum: sum.output[0] as string }
}

/** True if every way back from `name` to the model's inputs leads through `stream`. */
function comesFrom(program: Program, name: string, stream: string): boolean {
  let found = false
  const seen = new Set<string>()
  const queue = [name]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === stream) {
      found = true
      continue
    }
    if (seen.has(next) || !program.dependsOnInputs(next)) continue
    seen.add(next)
    const producer = program.graph.producer(next)
    if (producer === undefined) return false
    queue.push(...producer.input)
  }
  return found
}

/** The norm of a sum, if nothing else reads the sum (post-norm). Written out, a norm is several steps one after another. */
function afterNorm(program: Program, sum: string): string | undefined {
  let norm: string | undefined
  let averages = false
  for (let next: string | undefined = sum; next !== undefined; ) {
    let here = false
    next = whereOpenEnds(program, next, (node) => {
      here ||= averagingOps.has(node.opType)
      return normOps.has(node.opType)
    })
    if (next === undefined || program.tensor(next).toString() !== program.tensor(sum).toString()) break
    norm = next
    averages ||= here
  }
  // A stream that is only cast or scaled on its way is no norm.
  return averages ? norm : undefined
}

/**
 * The first value that everything computed from `start` goes through, if only nodes that pass `allowed` lie between;
 * side operands have to be constants.
 */
function whereOpenEnds(program: Program, start: string, allowed: (node: NodeProto) => boolean): string | undefined {
  const { graph } = program
  const inside = new Set([start])
  const pending = new Set(readersOf(program, start))
  const done = new Set<NodeProto>()
  while (pending.size > 0) {
    const ready = [...pending].find((node) =>
      node.input.every((name) => inside.has(name) || !program.dependsOnInputs(name)),
    )
    if (ready === undefined || !allowed(ready) || graph.isOutput(start)) return undefined
    pending.delete(ready)
    done.add(ready)
    const output = ready.output[0] as string
    inside.add(output)
    if (pending.size === 0) return output
    for (const reader of readersOf(program, output)) if (!done.has(reader)) pending.add(reader)
    if (graph.isOutput(output)) return undefined
  }
  return undefined
}

/** Nodes that read the contents of a value, not just its shape. */
function readersOf(program: Program, name: string): NodeProto[] {
  return program.graph
    .consumers(name)
    .map(({ node }) => node)
    .filter((node) => node.opType !== 'Shape' && node.opType !== 'Size')
}
