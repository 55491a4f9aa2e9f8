import type { Dim } from '@tp/core/expression'
import { operatorOf } from '../operators/traits.ts'
import { bodiesOf } from '../program/body.ts'
import { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { type Attention, findAttentions } from './attention.ts'
import { type Cache, findCaches } from './caches.ts'
import { followToResidual, type Residual } from './layer.ts'

/** Layers in which tokens see earlier tokens only, up to the scores of the next token. */
export interface Decoder {
  /** In the order of the graph. */
  readonly layers: readonly [DecoderLayer, ...DecoderLayer[]]
  /** The streams that the first and the last layer read: [b,n,D] */
  readonly firstInput: string
  readonly lastInput: string
  /** Scores of the next token: [b,n,V] */
  readonly logits: string
}

/** A layer, by its self-attention and what that keeps of earlier tokens. */
export interface DecoderLayer {
  readonly attention: CachedAttention
  readonly keys: Cache
  readonly values: Cache
}

/** An attention that reads caches: written out, or one operator. */
export interface CachedAttention extends Pick<Attention, 'query' | 'keyTransposed' | 'value' | 'context'> {
  /** The operator, if it is one: its rows cannot be followed through it. */
  readonly fused?: Cache['node']
}

/**
 * Finds the decoder of a model that has caches.
 * @throws Refused TP_DECODER if it has none, or if its layers or its logits cannot be told from the graph; TP_CONTROL_FLOW
 */
export function findDecoder(program: Program): Decoder {
  const caches = findCaches(program)
  if (caches.length === 0) throw withoutCaches(program)
  const [first, ...others] = layersOf(program, caches)
  if (first === undefined) throw withoutAttention(program, caches)
  const layers = [first, ...others] as const
  const [bottom, top] = [first, layers.at(-1) as DecoderLayer].map(({ attention }) => residualOf(program, attention))
  if (bottom === undefined || top === undefined) {
    const reason = 'an attention is not added to the stream that its queries, keys and values come from'
    throw new Refused('TP_DECODER', `the layers of this decoder cannot be followed: ${reason}`, caches[0]?.node)
  }
  return {
    layers,
    firstInput: bottom.input,
    lastInput: top.input,
    logits: logitsOf(program, caches, top.input, top.sum),
  }
}

/** @throws Refused TP_QUANTIZED where caches are of 8 bits, which is the last of all transforms */
export function requireFloatCaches(layers: readonly { readonly keys: Pick<Cache, 'past' | 'scale'> }[]): void {
  const stored = layers.find(({ keys }) => keys.scale !== undefined)
  if (stored === undefined) return
  const reason = `the caches are of 8 bits (${stored.keys.past} has scales)`
  throw new Refused('TP_QUANTIZED', `${reason}; work on the file that it was made from, and store them in 8 bits last`)
}

function withoutCaches({ graph, model }: Program): Refused {
  const branch = graph.nodes.find((node) =>
    bodiesOf(model, node).some((body) => findCaches(new Program(body.model)).length > 0),
  )
  if (branch === undefined) {
    return new Refused(
      'TP_DECODER',
      'no input with keys or values of earlier tokens is joined to an output: this is not a decoder with caches',
    )
  }
  const advice = 'use the file with past alone (decoder_with_past_model.onnx), not the merged one'
  return new Refused('TP_CONTROL_FLOW', `the readers of the caches are in the branches of an If; ${advice}`, branch)
}

/** The refusal of a decoder none of whose caches an attention of a known form reads. */
function withoutAttention(program: Program, caches: readonly Cache[]): Refused {
  const presents = caches.map(({ present }) => present)
  const isReader = ({ name }: { readonly name: string }): boolean =>
    !presents.includes(name) && presents.some((present) => program.before(name).has(present))
  if (!program.graph.outputs.some(isReader))
    return new Refused('TP_DECODER', 'no attention reads the caches of this decoder', caches[0]?.node)
  const known = 'only softmax(Q·Kᵀ)·V is, with masks and biases'
  return new Refused('TP_DECODER', `attention reads the caches in a form that is not known; ${known}`, caches[0]?.node)
}

/** Where an attention's result joins its stream. */
export function residualOf(program: Program, attention: CachedAttention): Residual | undefined {
  return followToResidual(program, attention, (name, sources) => streamOf(program, name, sources))
}

/** Keys come from caches, too, and angles from positions; of the stream there may be the last token alone. */
function streamOf(program: Program, name: string, sources: readonly string[]): string | undefined {
  if (sources.every((source) => program.before(source).has(name))) return name
  const node = program.graph.producer(name)
  return node?.opType === 'Slice' ? streamOf(program, node.input[0] as string, sources) : undefined
}

function layersOf(program: Program, caches: readonly Cache[]): DecoderLayer[] {
  const order = new Map(program.graph.nodes.flatMap(({ output }, i) => output.map((name) => [name, i] as const)))
  const place = ({ attention }: DecoderLayer): number => order.get(attention.context) as number
  const written = findAttentions(program).flatMap((attention) => writtenLayer(program, attention, caches) ?? [])
  return [...written, ...fusedLayers(caches)].sort((a, b) => place(a) - place(b))
}

/** Keys and values of this layer come from caches that its queries do not come from; those do from the caches of earlier layers. */
function writtenLayer(program: Program, attention: Attention, caches: readonly Cache[]): DecoderLayer | undefined {
  const earlier = program.before(attention.query)
  const own = (name: string): Cache | undefined => {
    const before = program.before(name)
    return caches.find(({ past }) => before.has(past) && !earlier.has(past))
  }
  const [keys, values] = [own(attention.keyTransposed), own(attention.value)]
  return keys === undefined || values === undefined ? undefined : { attention, keys, values }
}

function fusedLayers(caches: readonly Cache[]): DecoderLayer[] {
  const nodes = [...new Set(caches.map(({ node }) => node))]
  return nodes
    .filter((node) => operatorOf(node)?.caches !== undefined)
    .flatMap((node) => {
      const [keys, values] = caches.filter((cache) => cache.node === node)
      return keys === undefined || values === undefined ? [] : [{ attention: attentionOf(node), keys, values }]
    })
}

function attentionOf(node: Cache['node']): CachedAttention {
  const [query = '', keys = '', values = ''] = node.input
  // Packed, keys and values are in the first input, too.
  const [keyTransposed, value] = [keys || query, values || query]
  return { query, keyTransposed, value, context: node.output[0] as string, fused: node }
}

/** @throws Refused TP_DECODER if there is not one such output */
function logitsOf(program: Program, caches: readonly Cache[], stream: string, sum: string): string {
  const presents = new Set(caches.map(({ present }) => present))
  const [batch, , hidden] = program.tensor(stream).dims
  const isPerToken = (dims: readonly Dim[]): boolean => dims.length === 3 && dims[0] === batch
  const perToken = program.graph.outputs
    .map(({ name }) => name)
    .filter((name) => !presents.has(name) && isPerToken(program.tensor(name).dims) && program.before(name).has(sum))
  // A vocabulary may be as large as a state is wide; states come next to logits.
  const found = perToken.length > 1 ? perToken.filter((name) => program.tensor(name).dims[2] !== hidden) : perToken
  const [logits, ...others] = found
  if (logits !== undefined && others.length === 0) return logits
  const seen = logits === undefined ? 'there is none' : `there are ${found.join(', ')}`
  throw new Refused('TP_DECODER', `one output [batch, tokens, vocabulary] with logits was expected; ${seen}`)
}

/** Newer exports have an input for the number of last logits to compute; transformers.js gives 1. */
export function saysHowManyLogits(input: string): boolean {
  return input === 'num_logits_to_keep' || input === 'logits_to_keep'
}
