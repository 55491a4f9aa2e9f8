import { isTpError } from '@tp/core'
import { operators as known, subDims } from '@tp/core/expression'
import { bfloat16Reason, isOpaque, type NodeProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import type { Attention } from './attention.ts'
import { findCaches } from './caches.ts'
import type { Layer } from './layer.ts'
import {
  findRecurrence,
  joinedChunks,
  joinedNeighbors,
  mixedHeads,
  softmaxOfParts,
  subtractedHeads,
} from './other-mixing.ts'
import { TOKENS, type TokenAxis } from './token-axis.ts'

/** Why no layer was found around any of the attentions, judged by what the graph is made of. */
export function refuseWithoutLayers(program: Program, attentions: readonly Attention[]): Refused {
  const { nodes } = program.graph
  const find = (...types: readonly string[]): NodeProto | undefined =>
    nodes.find(({ opType }) => types.includes(opType))
  if (nodes.length === 0) return new Refused('TP_EMPTY', 'the graph has no nodes, so there is nothing to prune')
  const [cache] = findCaches(program)
  if (cache !== undefined) {
    const reason = 'tokens see only those before them, and their keys and values are kept for tokens to come'
    return new Refused(
      'TP_DECODER',
      `a decoder: ${reason}; prune its prompt (prunePrompt, or tp prune), or leave out what generating does not read (lastLogits)`,
      cache.node,
    )
  }
  const fused = nodes.find((node) => operatorOf(node)?.readsEarlierKeys !== undefined)
  if (fused !== undefined) {
    const form = operatorOf(fused)?.readsEarlierKeys?.(fused)
      ? 'that keeps the keys and values of earlier tokens, as decoders do'
      : 'in a form that cannot be written out; prune the model as it was exported, and optimize it afterwards'
    return new Refused('TP_FUSED_ATTENTION', `attention is one ${fused.opType} operator here, ${form}`, fused)
  }
  const softmaxes = nodes.filter((node) => hasTrait(node, 'softmax'))
  const [softmax] = softmaxes
  const mixed = attentions.map((attention) => joinedConvolution(program, attention)).find((node) => node !== undefined)
  if (mixed !== undefined) {
    const reason = `the result of attention is joined with that of the convolution "${nameOf(mixed)}", which mixes neighboring tokens`
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, mixed)
  }
  const neighbors = joinedNeighbors(program)
  if (neighbors !== undefined) return neighbors
  const parted = softmaxOfParts(program, softmaxes)
  if (parted !== undefined) {
    const reason =
      'scores are joined from several parts, as where tokens attend inside windows or chunks, and are not one Q·Kᵀ'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, parted)
  }
  const sunk = softmaxes.find((node) => readsSinks(program, node))
  if (sunk !== undefined) {
    const reason =
      'scores are joined with learned ones that stand for no token (attention sinks), whose probabilities are not taken out again'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, sunk)
  }
  const subtracted = subtractedHeads(program, softmaxes)
  if (subtracted !== undefined) {
    const reason = `"${nameOf(subtracted)}" subtracts what some heads return from what others do (differential attention), so that a token counts by a difference of probabilities`
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, subtracted)
  }
  const talking = softmaxes.map((node) => mixedHeads(program, node)).find((node) => node !== undefined)
  if (talking !== undefined) {
    const reason = `heads are mixed by the weights of "${nameOf(talking)}" between Q·Kᵀ and the softmax (talking heads), so that no head has scores of its own`
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, talking)
  }
  const [besides] = attentions.slice(1).filter((other) => areParallel(program, attentions[0] as Attention, other))
  if (besides !== undefined) {
    const reason =
      'attentions stand next to each other (x + a(x) + b(x)) and join the stream together, so that a token has a score in each'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, besides.chain.at(-1))
  }
  const quantized = nodes.find((node) => hasTrait(node, 'quantized'))
  if (softmax !== undefined && quantized !== undefined) {
    return new Refused(
      'TP_QUANTIZED',
      `no self-attention found between quantized products (${quantized.opType}); prune the model before it is quantized`,
      quantized,
    )
  }
  if (softmax !== undefined) {
    const reason = 'no softmax(Q·Kᵀ)·V is added back to the stream that Q, K and V come from'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, softmax)
  }
  const rounded = nodes.find((node) => hasTrait(node, 'on rounded values'))
  if (rounded !== undefined) return quantizedProducts(rounded)
  const written = find('Exp') !== undefined && find('ReduceMax') !== undefined && find('ReduceSum')
  if (written) {
    const reason = 'softmax is written out (ReduceMax, Exp, ReduceSum), as onnxruntime does with half-precision models'
    const advice = 'prune the model as it was exported, and optimize it afterwards'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}; ${advice}`, written)
  }
  const fourier = nodes.find((node) => hasTrait(node, 'fourier'))
  if (fourier !== undefined) {
    const reason = 'tokens are mixed by Fourier transforms over the whole sequence'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, fourier)
  }
  const recurrence = findRecurrence(program)
  if (recurrence !== undefined) {
    const reason = `tokens are read one after the other: "${nameOf(recurrence)}" makes a state from the one before it, as state-space and recurrent models do, and each token is in all later states`
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, recurrence)
  }
  const convolution = nodes.find((node) => hasTrait(node, 'convolution'))
  if (convolution !== undefined) {
    return new Refused('TP_NO_ATTENTION', 'no self-attention found: the model is convolutional', convolution)
  }
  return new Refused('TP_NO_ATTENTION', 'no self-attention found: the model has no softmax at all', nodes[0])
}

/** Whether neither of two attentions reads what the other returns, and a sum reads both. */
function areParallel(program: Program, a: Attention, b: Attention): boolean {
  if (program.before(b.query).has(a.context) || program.before(a.query).has(b.context)) return false
  const [afterA, afterB] = [program.after(a.context), program.after(b.context)]
  return program.graph.nodes.some(
    (node) =>
      hasTrait(node, 'sum', 'joined values') &&
      node.input.some((name) => afterA.has(name) && !afterB.has(name)) &&
      node.input.some((name) => afterB.has(name) && !afterA.has(name)),
  )
}

/** The convolution whose result an attention's is joined with, if one lies upstream of a part of the join and the attention does not. */
function joinedConvolution(program: Program, { context, query }: Attention): NodeProto | undefined {
  const { graph } = program
  let name = context
  for (;;) {
    const readers = graph.consumers(name).map(({ node }) => node)
    const join = readers.find((node) => hasTrait(node, 'joined values'))
    if (join !== undefined) {
      const own = new Set([...program.before(name), ...program.before(query)])
      const added = join.input.flatMap((part) => [...program.before(part)]).filter((part) => !own.has(part))
      return added
        .map((part) => graph.producer(part))
        .find((node) => node !== undefined && hasTrait(node, 'convolution'))
    }
    const next = readers.find((node) => hasTrait(node, 'same values', 'moved values'))?.output[0]
    if (next === undefined) return undefined
    name = next
  }
}

/** True if a softmax reads scores that are joined with learned ones along the axis that it works on. */
function readsSinks(program: Program, softmax: NodeProto): boolean {
  const scores = softmax.input[0] as string
  const join = program.graph.producer(scores)
  const { hasShape, rank } = program.tensor(scores)
  if (join?.opType !== 'Concat' || !hasShape) return false
  const [axis, along] = [join, softmax].map((node) => program.tensor(node.output[0] as string).node.attributes.axis)
  const isLast = (own: unknown): boolean => own === -1 || own === rank - 1
  return isLast(axis) && isLast(along) && join.input.some((part) => !program.dependsOnInputs(part))
}

/** The first unknown operator whose results have no known shape; with `name`, of those upstream of that value. */
export function unknownOperator(program: Program, name?: string): NodeProto | undefined {
  const upstream = name === undefined ? undefined : program.before(name)
  return program.graph.nodes.find(({ output }) =>
    output.some((value) => {
      if (value === '' || upstream?.has(value) === false) return false
      const tensor = program.tensor(value)
      return !tensor.hasShape && isOpaque(tensor.node.op)
    }),
  )
}

/** The refusal for an error about an unknown shape: it names the operator that shapes are lost at. */
export function refuseUnknownShape(program: Program, error: unknown): Refused | undefined {
  const node = isTpError(error) && error.code === 'TP_UNKNOWN_SHAPE' ? unknownOperator(program) : undefined
  if (node === undefined) return undefined
  const bfloat16 = bfloat16Reason(program.graph.model)
  if (bfloat16 !== undefined) return new Refused('TP_BFLOAT16', `the graph cannot be followed: ${bfloat16}`)
  if (hasTrait(node, 'control flow')) return undecided(node)
  if (hasTrait(node, 'on rounded values')) return quantizedProducts(node)
  const mixing = joinedNeighbors(program) ?? joinedChunks(program, node.output[0] as string)
  if (mixing !== undefined) return mixing
  const reason = `${unknownText(program, node)}, nor is any shape downstream of it`
  return new Refused('TP_UNKNOWN_SHAPE', `the graph cannot be followed: ${reason}`, node)
}

/** Why no shape is known of the results of a node, as a clause. */
export function unknownText(program: Program, node: NodeProto): string {
  const name = operatorName(node)
  const why = program.reasonUnknown(node)?.replace(/^\[\w+\] /, '')
  const [, sizes] = why?.match(/: sizes (.+) do not broadcast$/) ?? []
  if (sizes !== undefined)
    return `the operator ${name} is not known for sizes that it takes to be equal and that differ as written: ${sizes}`
  const isKnown = known.has(name)
  return `the operator ${name} is not known${isKnown ? ' in this form' : ''}${why === undefined || why.endsWith('not known here') ? '' : ` (${why})`}`
}

/** The refusal where the shape of the layers' input depends on a branch or a loop. */
export function undecided(node: NodeProto): Refused {
  const reason = `the layers read what a control-flow node (${node.opType}) decides, so its shape cannot be known`
  return new Refused('TP_CONTROL_FLOW', `${reason}; export the model without branches and loops`, node)
}

function quantizedProducts(node: NodeProto): Refused {
  const reason = `the graph was optimized after it was quantized (${operatorName(node)}), and operators on rounded numbers cannot be followed`
  return new Refused('TP_QUANTIZED', `${reason}; prune the model before that`, node)
}

/**
 * Refuses layers in which a token does not attend to all tokens of the stream: inside windows, or to a grid that was
 * made coarser. And layers whose stream has its tokens last, since their products are convolutions.
 */
export function requireWholeAttention(program: Program, layer: Layer): void {
  const { probabilities, chain } = layer.attention
  const stream = program.tensor(layer.input)
  if (!stream.hasShape) return
  const { dims } = program.tensor(probabilities)
  const [batch, tokens] = stream.dims
  const [queries, keys] = [dims.at(-2), dims.at(-1)]
  if (keys === tokens) return
  const softmax = chain.at(-1)
  const more = keys === undefined || tokens === undefined ? undefined : subDims(keys, tokens)
  if (queries === tokens && typeof more === 'number' && more > 0) {
    const seen = `attend to ${more} ${more === 1 ? 'key that stands' : 'keys that stand'} for no token, next to those of the tokens`
    throw new Refused(
      'TP_TOKEN_CONCAT',
      `layers ${seen} (scores [${dims.join(',')}]), so keys and tokens are not the same`,
      softmax,
    )
  }
  if (queries === keys && dims[0] !== batch) {
    throw new Refused(
      'TP_WINDOW_ATTENTION',
      `window attention: tokens attend inside windows of ${keys} tokens that are cut by position, so pruning a token would change every window`,
      softmax,
    )
  }
  if (stream.rank === 3 && queries === keys && keys === stream.dims[2]) {
    throw new Refused(
      'TP_STREAM',
      `layers read batch × hidden size × tokens, [${stream.dims.join(',')}], as convolutions do that stand for products with weights; batch × tokens × hidden size was expected`,
      softmax,
    )
  }
  const reducing = [...program.before(layer.attention.keyTransposed, layer.input)]
    .map((name) => program.graph.producer(name))
    .find((node) => node !== undefined && hasTrait(node, 'grid'))
  if (reducing !== undefined) {
    throw new Refused(
      'TP_SPATIAL_REDUCTION',
      `spatial reduction: keys and values come from the token grid made coarser by "${nameOf(reducing)}", so all tokens of the grid are needed`,
      reducing,
    )
  }
}

/**
 * Refuses a stack in which tokens attend to tokens where no layer was found: layers would be numbered without that one, and others
 * be pruned than those that are named.
 */
export function requireKnownLayers(program: Program, layers: readonly Layer[], axis: TokenAxis): void {
  const [first, last] = [layers[0], layers.at(-1)]
  if (first === undefined || last === undefined) return
  const known = new Set(layers.map(({ attention }) => attention.probabilities))
  const [upstream, stack] = [program.before(first.input), program.before(last.site)]
  const hidden = program.graph.nodes.find((node) => {
    const [name = ''] = node.output
    if (!hasTrait(node, 'softmax') || known.has(name)) return false
    const { hasShape, dims } = axis.changed.get(name) ?? program.tensor(name)
    const [queries, keys] = hasShape ? dims.slice(-2) : []
    if (queries === undefined || queries !== keys) return false
    return (
      stack.has(name) &&
      (queries === TOKENS || (upstream.has(name) && queries === axis.count && typeof queries === 'string'))
    )
  })
  const again = layers.map((layer) => secondProduct(program, layer)).find((node) => node !== undefined)
  if (again !== undefined) {
    const reason = `tokens attend to each other again in "${nameOf(again)}", by the probabilities of an earlier layer, which add up to 1 over all tokens`
    throw new Refused('TP_NO_ATTENTION', reason, again)
  }
  if (hidden === undefined) return
  const reason = `tokens attend to each other in "${nameOf(hidden)}", where no layer was found, so layers would be counted without it`
  throw new Refused('TP_NO_ATTENTION', reason, hidden)
}

/** Another product of a layer's probabilities with something that comes from the inputs. */
function secondProduct(program: Program, { attention: { probabilities, context } }: Layer): NodeProto | undefined {
  const queue = [probabilities]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const { node, index } of program.graph.consumers(name)) {
      const [output = ''] = node.output
      if (node.opType === 'MatMul' && index === 0) {
        if (output !== context && program.dependsOnInputs(node.input[1] as string)) return node
      } else if (hasTrait(node, 'same values', 'rounded values')) queue.push(output)
    }
  }
  return undefined
}
