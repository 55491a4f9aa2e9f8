import { cast, input, mul, sub, type Tensor } from '@tp/core'
import { applyOne, type Dim, type Op, operators } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { findCaches } from '../analyze/caches.ts'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * Attention whose scores are joined with learned ones that stand for no token, sinks (gpt-oss), as plain attention with a gate, so that only tokens
 * are keys:
 *
 *   softmax([S, c])[tokens] · V = σ(lse(S) − lse(c)) · softmax(S) · V                     S [b,h,n,n], c [b,h,n,k]
 */
export const gateSinks: NormalizePass = {
  name: 'write attention sinks as gates',
  run({ program }) {
    const { graph } = program
    const found = graph.nodes.flatMap((node) => sinkOf(program, node) ?? [])
    // Gates would not see which entries of a cache a decoder hides.
    if (found.length > 0 && findCaches(program).length > 0) return false
    for (const { softmax, scores, sink, part, mix } of found) {
      const [probabilities, taken, context] = [softmax, part, mix].map(({ output }) => output[0] as string) as [
        string,
        string,
        string,
      ]
      graph.replaceInput(softmax, 0, scores)
      program.setTensor(probabilities, program.tensor(scores))
      for (const { node, index } of [...graph.consumers(taken)]) graph.replaceInput(node, index, probabilities)
      const readers = [...graph.consumers(context)]
      const names = new Map<Tensor, string>()
      const value = (name: string): Tensor => {
        const { dtype, dims } = program.tensor(name)
        const placeholder = input(name, dtype, dims)
        names.set(placeholder, name)
        return placeholder
      }
      const [all, added] = [scores, sink].map((name) => logOfSum(value(name))) as [Tensor, Tensor]
      const product = value(context)
      const gate = cast(applyOne(operators.get('Sigmoid') as Op, [sub(all, added)]), product.dtype)
      const gated = program.write(mul(product, gate), names, { prefix: `${softmax.name || probabilities}/sink` })
      for (const { node, index } of readers) graph.replaceInput(node, index, gated.name)
    }
    if (found.length === 0) return false
    graph.removeDeadNodes()
    graph.sortTopologically()
    return true
  },
}

/** In 32 bits: runtimes have no other kernel for it. */
function logOfSum(x: Tensor): Tensor {
  if (x.dims.at(-1) === 1) return cast(x, 'float32')
  return applyOne(operators.get('ReduceLogSumExp') as Op, [cast(x, 'float32')], { axes: [x.rank - 1], keepdims: 1 })
}

interface Sink {
  readonly softmax: NodeProto
  readonly scores: string
  readonly sink: string
  /** Takes the probabilities of the tokens. */
  readonly part: NodeProto
  /** Their product with the values. */
  readonly mix: NodeProto
}

function sinkOf(program: Program, softmax: NodeProto): Sink | undefined {
  const { graph } = program
  const [probabilities = ''] = softmax.output
  if (!hasTrait(softmax, 'softmax') || !program.tensor(probabilities).hasShape) return undefined
  const last = program.tensor(probabilities).rank - 1
  if (last < 2 || axisOf(program, softmax) !== last) return undefined
  const join = graph.producer(unshifted(program, softmax.input[0] as string))
  if (join?.opType !== 'Concat' || join.input.length !== 2 || axisOf(program, join) !== last) return undefined
  const at = join.input.findIndex((name) => !program.dependsOnInputs(name))
  const [sink, scores] = [join.input[at], join.input[1 - at]]
  const [use, ...others] = graph.consumers(probabilities)
  const part = use?.node
  if (sink === undefined || scores === undefined || part?.opType !== 'Slice' || others.length > 0) return undefined
  const [taken, start] = [part.output[0] as string, program.tensor(part.input[1] ?? '').value]
  if ([scores, sink, taken].some((name) => !program.tensor(name).hasShape)) return undefined
  const [of, dims, added] = [scores, taken, sink].map((name) => program.tensor(name).dims) as [Dims, Dims, Dims]
  // All sizes are those of the scores, so the part is along the axis of the sinks.
  const isWhole = dims.length === of.length && dims.every((dim, axis) => dim === of[axis])
  if (!isWhole || start?.length !== 1 || start[0] !== (at === 0 ? added[last] : 0)) return undefined
  const mix = productWith(program, taken)
  const context = mix?.output[0] as string
  if (mix === undefined || !program.tensor(context).hasShape) return undefined
  return [probabilities, taken, context].some((name) => graph.isOutput(name))
    ? undefined
    : { softmax, scores, sink, part, mix }
}

type Dims = readonly Dim[]

function axisOf(program: Program, node: NodeProto): unknown {
  return program.tensor(node.output[0] as string).node.attributes.axis
}

/** Scores less the largest of their row, which changes no probability. */
function unshifted(program: Program, name: string): string {
  const [less, largest] = [program.graph.producer(name), (node?: NodeProto) => node?.input[1] ?? '']
  const reduced = program.graph.producer(largest(less))
  const isShifted = less?.opType === 'Sub' && reduced?.opType === 'ReduceMax' && reduced.input[0] === less.input[0]
  return isShifted ? (less.input[0] as string) : name
}

/** The one product that reads probabilities, maybe cast. */
function productWith(program: Program, name: string): NodeProto | undefined {
  const [use, ...others] = program.graph.consumers(name)
  if (use === undefined || use.index !== 0 || others.length > 0) return undefined
  if (hasTrait(use.node, 'same values')) return productWith(program, use.node.output[0] as string)
  return use.node.opType === 'MatMul' ? use.node : undefined
}
