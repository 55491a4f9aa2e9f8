import type { Dim } from '@tp/core/expression'
import { operatorName } from '../operators/operator.ts'
import { operators } from '../operators/table.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { type Attention, findAttentions } from './attention.ts'
import { type Cache, findCaches } from './caches.ts'
import { followToResidual, type Residual } from './layer.ts'

/** Layers in which tokens see earlier tokens only, up to the scores of the next token. */
export interface Decoder {
  /** Its self-attentions, in the order of the graph. */
  readonly attentions: readonly [CachedAttention, ...CachedAttention[]]
  /** Keys and values of earlier tokens, two for each layer. */
  readonly caches: readonly Cache[]
  /** The streams that the first and the last layer read: [b,n,D] */
  readonly firstInput: string
  readonly lastInput: string
  /** Scores of the next token: [b,n,V] */
  readonly logits: string
}

/** An attention that reads caches: written out, or one operator. */
export interface CachedAttention extends Pick<Attention, 'query' | 'keyTransposed' | 'value' | 'context'> {
  /** The operator, if it is one: its rows cannot be followed through it. */
  readonly fused?: Cache['node']
}

/**
 * Finds the decoder of a model that has caches.
 * @throws Refused TP_DECODER if it has none, or if its last layer or its logits cannot be told from the graph
 */
export function findDecoder(program: Program): Decoder {
  const caches = findCaches(program)
  if (caches.length === 0) throw withoutCaches(program)
  const [first, ...others] = cachedAttentions(program, caches)
  if (first === undefined)
    throw new Refused('TP_DECODER', 'no attention reads the caches of this decoder', caches[0]?.node)
  const attentions = [first, ...others] as const
  const [bottom, top] = [first, attentions.at(-1) as CachedAttention].map((own) => residualOf(program, own))
  if (bottom === undefined || top === undefined) {
    const reason = 'an attention is not added to the stream that its queries, keys and values come from'
    throw new Refused('TP_DECODER', `the layers of this decoder cannot be followed: ${reason}`, caches[0]?.node)
  }
  return {
    attentions,
    caches,
    firstInput: bottom.input,
    lastInput: top.input,
    logits: logitsOf(program, caches, top.input, top.sum),
  }
}

function withoutCaches({ graph }: Program): Refused {
  const branch = graph.nodes.find(({ opType }) => opType === 'If')
  if (branch === undefined) {
    return new Refused(
      'TP_DECODER',
      'no input with keys or values of earlier tokens is joined to an output: this is no decoder with caches',
    )
  }
  const advice = 'use the file with past alone (decoder_with_past_model.onnx), not the merged one'
  return new Refused('TP_CONTROL_FLOW', `what reads the caches is in the branches of an If; ${advice}`, branch)
}

/** Where an attention's result joins its stream. */
function residualOf(program: Program, attention: CachedAttention): Residual | undefined {
  return followToResidual(program, attention, (name, sources) => streamOf(program, name, sources))
}

/** Keys come from caches, too, and angles from positions; of the stream there may be the last token alone. */
function streamOf(program: Program, name: string, sources: readonly string[]): string | undefined {
  if (sources.every((source) => program.before(source).has(name))) return name
  const node = program.graph.producer(name)
  return node?.opType === 'Slice' ? streamOf(program, node.input[0] as string, sources) : undefined
}

function cachedAttentions(program: Program, caches: readonly Cache[]): CachedAttention[] {
  const nodes = [...new Set(caches.map(({ node }) => node))]
  const fused = nodes.filter((node) => operators.get(operatorName(node))?.caches !== undefined).map(attentionOf)
  const isCached = ({ keyTransposed }: Attention): boolean => {
    const before = program.before(keyTransposed)
    return caches.some(({ past }) => before.has(past))
  }
  const order = new Map(program.graph.nodes.flatMap(({ output }, i) => output.map((name) => [name, i] as const)))
  const place = ({ context }: CachedAttention): number => order.get(context) as number
  return [...findAttentions(program).filter(isCached), ...fused].sort((a, b) => place(a) - place(b))
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
  const isScores = (dims: readonly Dim[]): boolean => dims.length === 3 && dims[0] === batch && dims[2] !== hidden
  const found = program.graph.outputs
    .map(({ name }) => name)
    .filter((name) => !presents.has(name) && isScores(program.tensor(name).dims) && program.before(name).has(sum))
  const [logits, ...others] = found
  if (logits !== undefined && others.length === 0) return logits
  const seen = logits === undefined ? 'there is none' : `there are ${found.join(', ')}`
  throw new Refused('TP_DECODER', `one output [batch, tokens, vocabulary] with logits was expected; ${seen}`)
}
