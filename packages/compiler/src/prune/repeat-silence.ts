import {
  add,
  axisSize,
  cast,
  clip,
  div,
  equal,
  gather,
  max,
  maximum,
  minimum,
  mul,
  not,
  range,
  slice,
  squeeze,
  sub,
} from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { findSignalSource } from '../analyze/signal-source.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import { Operands } from '../program/operands.ts'
import type { Named, Program } from '../program/program.ts'

const PREFIX = 'tp/silence'

/**
 * Lets the convolutions that make tokens of a sound compute one of those at its end that are alike, such as the silence that fills a window,
 * and repeats it. Exact: a token that is made of nothing but steps like the last one is the same wherever it stands.
 *
 *   x [b,C,T], x_t = x_(T−1) for t ≥ E; token j is made of the steps from o + j·s on, w of them
 *   m = max(0, ⌊(T − E − w − s)/s⌋)                     tokens that are not computed
 *   z = convolutions(x_0 … x_(T−m·s−1)), y_j = z_i       i = min(j, max(j − m, ⌈(E − o)/s⌉)): those at the end read the zeros behind it
 *
 * Where something stands between the convolutions that sees several steps, or steps by their number, or that is an output, nothing is changed.
 */
export function repeatSilence(program: Program, encoder: Encoder): void {
  const { graph } = program
  const { input, offset, stride, window, steps } = findSignalSource(program, encoder)
  const x = program.tensor(input)
  if (steps === undefined || x.rank !== 3) return
  const between = nodesBetween(program, input, steps)
  const readers = graph.consumers(input).filter(({ node }) => between.includes(node))
  const isRead = (name: string): boolean => graph.consumers(name).some(({ node }) => !between.includes(node))
  const inner = between.flatMap(({ output }) => output).filter((name) => name !== steps)
  if (inner.some(isRead) || !between.every((node) => isByStep(program, node))) return
  const { names, value } = new Operands(program)
  const [sound, computed] = [value(input), value(steps)]
  const length = squeeze(axisSize(sound, 2), [0])
  const isOther = max(cast(not(equal(sound, slice(sound, { axis: 2, start: -1 }))), 'float32'), 1)
  const end = cast(max(mul(isOther, cast(add(range(0, length), 1), 'float32')), [0, 1]), 'int64')
  const left = div(clip(sub(sub(length, end), window + stride), 0), stride)
  const shorter = gather(sound, range(0, sub(length, mul(left, stride))), 2)
  const first = div(add(end, stride - 1 - offset), stride)
  const known = program.tensor(steps).dims[2]
  const count = typeof known === 'number' ? known : add(squeeze(axisSize(computed, 2), [0]), left)
  const token = range(0, count)
  const whole = gather(computed, minimum(token, maximum(sub(token, left), first)), 2)
  const before = new Set(graph.nodes)
  const [head, all] = program.writeAll([shorter, whole], names, {
    prefix: PREFIX,
    dims: [[...x.dims.slice(0, 2), `${PREFIX}/steps`], program.tensor(steps).dims],
  }) as [Named, Named]
  const written = graph.nodes.filter((node) => !before.has(node))
  for (const { node, index } of readers) graph.replaceInput(node, index, head.name)
  graph.replaceAllUses(steps, all.name, { except: written })
  for (const { output } of between) {
    for (const name of output) {
      const { dtype, dims } = program.tensor(name)
      const own = dims.map((dim, axis) => (axis === 2 || typeof dim !== 'number' ? undefined : dim))
      graph.setValueInfo(name, dtype, own)
    }
  }
  graph.sortTopologically()
}

/** The nodes on the ways from one value to another. */
function nodesBetween(program: Program, from: string, to: string): NodeProto[] {
  const after = program.after(from)
  const upstream = program.upstream([to])
  return program.graph.nodes.filter((node) => upstream.has(node) && node.output.some((name) => after.has(name)))
}

/** Convolutions, and operators on each element whose other operands are the same for all steps. */
function isByStep(program: Program, node: NodeProto): boolean {
  const { graph } = program
  if (node.output.some((name) => graph.isOutput(name))) return false
  if (hasTrait(node, 'convolution')) return program.tensor(node.output[0] as string).rank === 3
  if (operatorOf(node)?.elementwise === undefined) return false
  const count = program.tensor(node.output[0] as string).dims[2]
  return node.input.every((name) => {
    if (name === '') return true
    const { rank, dims } = program.tensor(name)
    const isConstant = !program.dependsOnInputs(name)
    return isConstant ? rank === 0 || dims[rank - 1] === 1 : rank === 3 && dims[2] === count
  })
}
