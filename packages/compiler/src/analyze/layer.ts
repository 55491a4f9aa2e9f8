import type { NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import { type Program, readsShape } from '../program/program.ts'
import type { Attention } from './attention.ts'

/** One transformer layer, by the names of its values. */
export interface Layer {
  readonly attention: Attention
  /** The residual stream that the layer reads: [b,n,D] */
  readonly input: string
  /** Where tokens may be pruned: after the attention's residual, and its norm if that comes next. [b,n,D] */
  readonly site: string
  /** Whether norms come before the sub-layers, or after their residuals. */
  readonly norm: 'pre' | 'post'
  /** Whether the site has the feed-forward in it already: x + (a(x) + f(x)), or x + f(a(x)) (MobileBERT). */
  readonly withFeedForward: boolean
}

/** True for products with weights, which a feed-forward network is made of. */
function isProduct(node: NodeProto | undefined): boolean {
  return node !== undefined && hasTrait(node, 'product')
}

/**
 * The layer around an attention, or undefined if its result is not added to the stream it was made from (pooling
 * heads, cross attention).
 */
export function findLayer(program: Program, attention: Attention): Layer | undefined {
  const sides = new Set(attention.sides)
  const residual = followToResidual(program, attention, (name, sources) => unscaled(program, name, sources, sides))
  if (residual === undefined) return undefined
  const { input, sum, joined, between } = residual
  const normed = afterNorm(program, sum)
  const withFeedForward =
    joined.some((name) => productsBetween(program, input, name) > 1) ||
    // Without an activation it is an output projection in several factors.
    (between.filter(isProduct).length > 1 && between.some((node) => hasTrait(node, 'activation')))
  return { attention, input, site: normed ?? sum, norm: normed === undefined ? 'pre' : 'post', withFeedForward }
}

/** How many products with weights lie between a stream and a value that is computed from it. */
function productsBetween(program: Program, stream: string, name: string): number {
  const before = program.before(stream)
  return [...program.before(name)].filter((value) => !before.has(value) && isProduct(program.graph.producer(value)))
    .length
}

/** The stream that one of the layers of an encoder returns: what the next one reads. */
export function layerOutput(program: Program, layers: readonly Layer[], layer: number): string | undefined {
  return layers[layer + 1]?.input ?? stackEnd(program, layers[layer] as Layer)
}

/** The stream that the layer returns: after the FFN's residual, and its norm in a post-norm model. */
export function stackEnd(program: Program, layer: Layer): string | undefined {
  if (layer.withFeedForward) return layer.site
  const joined = joinedInParallel(program, layer)
  if (joined !== undefined) return joined
  let sum: string | undefined = layer.site
  let computes = false
  // Casts may stand between the site and the FFN: on to where something was computed.
  while (sum !== undefined && !computes) {
    sum = whereOpenEnds(program, sum, (node) => {
      computes ||= isProduct(node)
      return true
    })
  }
  return sum === undefined || layer.norm === 'pre' ? sum : afterNorm(program, sum)
}

/** The stream that a layer after the last one reads. */
export function inputAfter(program: Program, layers: readonly Layer[]): string | undefined {
  const last = layers.at(-1)
  return last && stackEnd(program, last)
}

/** The sum (x + a(x)) + f(x), of a feed-forward that does not read the site. */
function joinedInParallel(program: Program, { site }: Layer): string | undefined {
  const [sum, ...others] = readersOf(program, site)
  if (sum === undefined || !hasTrait(sum, 'sum') || others.length > 0) return undefined
  const added = sum.input.find((name) => name !== site) as string
  return program.dependsOnInputs(added) && !program.before(added).has(site) ? sum.output[0] : undefined
}

/** Where an attention's result joins the stream that it was made from. */
export interface Residual {
  readonly input: string
  readonly sum: string
  /** The term that was added before. */
  readonly joined: readonly string[]
  /** Nodes that the context goes through. */
  readonly between: readonly NodeProto[]
}

/** The stream that all sources come from, if that is what a value is, or what it is made from. */
type StreamOf = (name: string, sources: readonly string[]) => string | undefined

/**
 * The sum of what follows the context with the stream that queries, keys and values come from. In between, an output
 * projection, quantized or not; and a gate or a feed-forward next to the attention, if they come from the same stream.
 */
export function followToResidual(
  program: Program,
  attention: Pick<Attention, 'query' | 'keyTransposed' | 'value' | 'context'>,
  streamOf: StreamOf,
): Residual | undefined {
  const { context, query, keyTransposed, value } = attention
  const sources = [query, keyTransposed, value]
  const joined: string[] = []
  const after = new Set([context])
  const pending = new Set(readersOf(program, context))
  const done = new Set<NodeProto>()
  const othersOf = (node: NodeProto): string[] =>
    node.input.filter((name) => name !== '' && !after.has(name) && program.dependsOnInputs(name))
  const pass = (node: NodeProto): void => {
    pending.delete(node)
    done.add(node)
    for (const output of node.output) {
      if (output === '') continue
      after.add(output)
      for (const reader of readersOf(program, output)) if (!done.has(reader)) pending.add(reader)
    }
  }
  for (;;) {
    const ready = [...pending].find((node) => othersOf(node).length === 0)
    if (ready !== undefined) {
      if (hasTrait(ready, 'softmax')) return undefined
      pass(ready)
      continue
    }
    const [join] = pending
    if (join === undefined || pending.size > 1) return undefined
    // Setting padding to a constant keeps every position.
    if (hasTrait(join, 'choice') && othersOf(join).every((name) => name === join.input[0])) {
      pass(join)
      continue
    }
    const [other, ...more] = othersOf(join)
    if (other === undefined || more.length > 0 || !hasTrait(join, 'sum', 'factor')) return undefined
    const isSum = hasTrait(join, 'sum')
    const input = isSum ? streamOf(other, sources) : undefined
    if (input !== undefined) return { input, sum: join.output[0] as string, joined, between: [...done] }
    // A value that queries are made from, too, belongs to another stream: cross attention.
    if (program.before(query).has(other)) return undefined
    if (isSum) joined.push(other)
    sources.push(other)
    pass(join)
  }
}

/** The stream that all `sources` come from: the value itself, or what it is a constant multiple of. */
function unscaled(
  program: Program,
  name: string,
  sources: readonly string[],
  sides: ReadonlySet<string>,
): string | undefined {
  // Queries and keys, the first two, may be turned by positions; a gate may be made of the scores, and so of masks.
  if (sources.every((source, i) => comesFrom(program, source, name, i < 2, i < 3 ? none : sides))) return name
  const node = program.graph.producer(name)
  if (node === undefined || !isScaling(node)) return undefined
  const data = node.input.filter((input) => input !== '' && program.dependsOnInputs(input))
  return data.length === 1 ? unscaled(program, data[0] as string, sources, sides) : undefined
}

const none: ReadonlySet<string> = new Set()

function isScaling(node: NodeProto): boolean {
  return hasTrait(node, 'factor', 'same values', 'rounded values')
}

/**
 * True if every way back from `name` to the model's inputs leads through `stream`, or through `sides`. Which tokens an earlier pruning has kept does
 * not count, nor do positions that are inputs, if it `isTurned` by them: both follow the tokens.
 */
function comesFrom(
  program: Program,
  name: string,
  stream: string,
  isTurned: boolean,
  sides: ReadonlySet<string>,
): boolean {
  let found = false
  const seen = new Set<string>()
  const queue = [name]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === stream) {
      found = true
      continue
    }
    if (seen.has(next) || sides.has(next) || program.isChoice(next) || !program.dependsOnInputs(next)) continue
    if (isTurned && isAngle(program, next, stream)) continue
    seen.add(next)
    const producer = program.graph.producer(next)
    if (producer === undefined) return false
    for (const input of producer.input) queue.push(input)
  }
  return found
}

/** Cosines and sines that do not come from the stream, computed or chosen from a table: queries and keys are turned by them. */
function isAngle(program: Program, name: string, stream: string): boolean {
  const node = program.graph.producer(name)
  const [table = ''] = node?.input ?? []
  const isChosen = node?.opType === 'Gather' && !program.dependsOnInputs(table)
  return (isChosen || node?.opType === 'Cos' || node?.opType === 'Sin') && !program.before(name).has(stream)
}

/** The norm of a sum, if nothing else reads the sum (post-norm). Written out, a norm is several steps one after another. */
function afterNorm(program: Program, sum: string): string | undefined {
  let norm: string | undefined
  let averages = false
  const scaled = new Set<string>()
  for (let next: string | undefined = sum; next !== undefined; ) {
    let here = false
    const steps: NodeProto[] = []
    next = whereOpenEnds(program, next, (node) => {
      steps.push(node)
      here ||= hasTrait(node, 'norm', 'average')
      return hasTrait(node, 'norm', 'average', 'arithmetic', 'same values', 'rounded values')
    })
    if (next === undefined || program.tensor(next).toString() !== program.tensor(sum).toString()) break
    if (averages && !here && !steps.every((node) => endsNorm(program, node, scaled))) break
    norm = next
    averages ||= here
  }
  // Casting or scaling a stream on its way is not a norm.
  return averages ? norm : undefined
}

/** True for what a norm ends with: a weight and a bias for each feature, once each. Other arithmetic is of a head. */
function endsNorm(program: Program, node: NodeProto, seen: Set<string>): boolean {
  if (hasTrait(node, 'same values', 'rounded values')) return true
  const isFirst = !seen.has(node.opType)
  seen.add(node.opType)
  const features = node.input.find((name) => !program.dependsOnInputs(name))
  const isByFeature = features !== undefined && typeof program.tensor(features).dims.at(-1) === 'number'
  return hasTrait(node, 'sum', 'factor') && isFirst && isByFeature && program.tensor(features).dims.at(-1) !== 1
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
    const ready = [...pending].find((node) => node.input.every((name) => inside.has(name) || isFixed(program, name)))
    if (ready === undefined || !allowed(ready) || graph.isOutput(start)) return undefined
    pending.delete(ready)
    done.add(ready)
    const outputs = ready.output.filter((output) => output !== '')
    for (const output of outputs) inside.add(output)
    if (pending.size === 0 && outputs.length === 1) return outputs[0]
    for (const output of outputs) {
      for (const reader of readersOf(program, output)) if (!done.has(reader)) pending.add(reader)
    }
    if (outputs.some((output) => graph.isOutput(output))) return undefined
  }
  return undefined
}

/** True for a constant, and for the rows of one that an earlier pruning has taken along with its tokens (positions that each layer adds). */
function isFixed(program: Program, name: string): boolean {
  const seen = new Set<string>()
  const queue = [name]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next) || program.isChoice(next) || !program.dependsOnInputs(next)) continue
    seen.add(next)
    const node = program.graph.producer(next)
    if (node === undefined) return false
    queue.push(...program.sources(next))
  }
  return true
}

/** Nodes that read the contents of a value, not just its shape. */
function readersOf(program: Program, name: string): NodeProto[] {
  return program.graph
    .consumers(name)
    .map(({ node }) => node)
    .filter((node) => !readsShape(node))
}
