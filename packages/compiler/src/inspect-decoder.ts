import type { DType } from '@tp/core'
import { type Dim, divideExactly, unknownDim } from '@tp/core/expression'
import { type Model, type NodeProto, opset } from '@tp/onnx'
import type { CachedAttention, Decoder } from './analyze/decoder.ts'
import { findDecoder } from './analyze/decoder.ts'
import { openModel } from './normalize/open.ts'
import { operatorName } from './operators/operator.ts'
import { type Program, withEqualSizes } from './program/program.ts'
import { type Refusal, refusalOf } from './program/refusal.ts'

/** Keys or values of earlier tokens. */
export interface CacheReport {
  /** Name of the input. */
  readonly past: string
  /** Name of the output. */
  readonly present: string
}

/** What was found in a decoder: a model that predicts the next token and keeps keys and values of earlier ones. */
export interface DecoderInspection {
  readonly ok: true
  readonly opset: number
  readonly producer: string
  readonly layerCount: number
  readonly hidden: Dim
  /** Heads of the queries, and of keys and values: fewer where several queries share one (grouped). */
  readonly heads: Dim
  readonly keyHeads: Dim
  /** Numbers of each head, and their type in the caches. */
  readonly headSize: Dim
  readonly dtype: DType
  /** Name of the operator that an attention is; absent where it is written out. */
  readonly fused?: string
  /** How queries and keys are turned by their position: by the attention itself, by an operator, in plain operators; or not at all. */
  readonly rotary: 'in the attention' | 'operator' | 'written out' | 'none'
  /** The input that positions are read from; undefined where they are counted. */
  readonly positions: string | undefined
  /** The output with scores of the next token, and of how many tokens: all, or the last. */
  readonly logits: string
  readonly logitsOf: 'all tokens' | 'the last token'
  /** Of each layer: what it is given of earlier tokens, [b,g,p,d], and gives back with the new ones, [b,g,p+n,d]. */
  readonly caches: readonly { readonly keys: CacheReport; readonly values: CacheReport }[]
}

/**
 * Looks for a decoder in a model; a refusal says why there is none. Its tokens cannot be pruned between layers; `lastLogits` leaves
 * out what generating does not read.
 */
export function inspectDecoder(model: Model): DecoderInspection | { readonly ok: false; readonly refusal: Refusal } {
  try {
    return withEqualSizes(() => {
      const { program } = openModel(model)
      return {
        ok: true,
        opset: opset(model),
        producer: model.proto.producerName,
        ...report(program, findDecoder(program)),
      }
    })
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

function report(program: Program, decoder: Decoder): Omit<DecoderInspection, 'ok' | 'opset' | 'producer'> {
  const { layers, firstInput, logits } = decoder
  const [{ attention: first, keys }] = layers
  const keyHeads = program.tensor(keys.past).dims[1] as Dim
  const heads = headsOf(program, first) ?? keyHeads
  return {
    layerCount: layers.length,
    hidden: program.tensor(firstInput).dims[2] as Dim,
    heads,
    keyHeads,
    headSize: headSizeOf(program, first, heads),
    dtype: program.tensor(keys.past).dtype,
    ...(first.fused && { fused: operatorName(first.fused) }),
    rotary: rotaryOf(program, first, firstInput),
    positions: positionsOf(program, decoder),
    logits,
    logitsOf: program.tensor(logits).dims[1] === 1 ? 'the last token' : 'all tokens',
    caches: layers.map(({ keys, values }) => ({ keys: cacheReport(keys), values: cacheReport(values) })),
  }
}

function cacheReport({ past, present }: CacheReport): CacheReport {
  return { past, present }
}

/** Undefined where heads are folded into the batch. */
function headsOf(program: Program, { query, fused }: CachedAttention): Dim | undefined {
  if (fused !== undefined) return numberOf(fused, 'num_heads')
  const { dims } = program.tensor(query)
  return dims.length === 4 ? dims[1] : undefined
}

/** Of one operator the result has all heads in one axis; written out, a query has an axis for them. */
function headSizeOf(program: Program, { query, context, fused }: CachedAttention, heads: Dim): Dim {
  if (fused === undefined) return program.tensor(query).dims.at(-1) as Dim
  return divideExactly(program.tensor(context).dims[2] as Dim, heads as number) ?? unknownDim()
}

function numberOf(node: NodeProto, name: string): number | undefined {
  const value = node.attribute.find((attribute) => attribute.name === name)?.i
  return value === undefined ? undefined : Number(value)
}

function rotaryOf(program: Program, { query, fused }: CachedAttention, stream: string): DecoderInspection['rotary'] {
  if (fused !== undefined && numberOf(fused, 'do_rotary') === 1) return 'in the attention'
  const types = new Set([...program.before(query, stream)].map((name) => program.graph.producer(name)?.opType))
  if (types.has('RotaryEmbedding')) return 'operator'
  // Half of what is turned changes its sign.
  return types.has('Neg') ? 'written out' : 'none'
}

/** An input of integers [b,n] that is not the tokens' numbers: of those the vocabulary is looked up. */
function positionsOf(program: Program, { logits, firstInput }: Decoder): string | undefined {
  const [batch, tokens] = program.tensor(firstInput).dims
  const vocabulary = program.tensor(logits).dims[2]
  const words = program.graph.nodes
    .filter(
      ({ opType, input }) => opType.startsWith('Gather') && program.tensor(input[0] as string).dims[0] === vocabulary,
    )
    .flatMap(({ input }) => [...program.inputsOf(input[1] as string)])
  const read = program.inputsOf(logits)
  return program.graph.inputs
    .map(({ name }) => name)
    .find((name) => {
      const { dtype, dims } = program.tensor(name)
      const isPerToken = dims.length === 2 && dims[0] === batch && dims[1] === tokens
      return read.has(name) && dtype.startsWith('int') && isPerToken && !words.includes(name)
    })
}
