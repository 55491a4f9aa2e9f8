import type { DType } from '@tp/core'
import { type Dim, divideExactly, unknownDim } from '@tp/core/expression'
import { type AssumedSize, type Model, opset } from '@tp/onnx'
import type { CachedAttention, Decoder } from './analyze/decoder.ts'
import { findDecoder, saysHowManyLogits } from './analyze/decoder.ts'
import { type Opened, openModel } from './normalize/open.ts'
import { integerAttribute } from './operators/node-inputs.ts'
import { operatorName } from './operators/operator.ts'
import { type Program, withEqualSizes } from './program/program.ts'
import { type PrunedPrompt, readPrunedPrompt } from './program/pruned-prompt.ts'
import { type Refusal, refusalOf } from './program/refusal.ts'
import { findTokenMask } from './prune/prompt-cut.ts'

/** Keys or values of earlier tokens. */
export interface CacheReport {
  /** Name of the input. */
  readonly past: string
  /** Name of the output. */
  readonly present: string
  /** Of caches of 8 bits: the input and the output with their scales, [b,g,p,1]. */
  readonly scale?: { readonly past: string; readonly present: string }
}

/** The findings about a decoder: a model that predicts the next token and keeps keys and values of earlier ones. */
export interface DecoderInspection {
  readonly ok: true
  readonly opset: number
  readonly producer: string
  readonly layerCount: number
  /** Sizes of inputs that are taken to be equal although the model also runs where they differ. */
  readonly assumed?: readonly AssumedSize[]
  readonly hidden: Dim
  /** Heads of the queries, and of keys and values: fewer where several queries share one (grouped). */
  readonly heads: Dim
  readonly keyHeads: Dim
  /** Whether all caches are [batch, heads, tokens, head size]. */
  readonly byHead: boolean
  /** Numbers of each head, and their type in the caches. */
  readonly headSize: Dim
  readonly dtype: DType
  /** Name of the operator that an attention is; absent where it is written out. */
  readonly fused?: string
  /** How queries and keys are turned by their position: by the attention itself, by an operator, in plain operators; or not at all. */
  readonly rotary: 'in the attention' | 'operator' | 'written out' | 'none'
  /** The input that positions are read from; undefined where they are counted. */
  readonly positions: string | undefined
  /** The input that says which earlier and new tokens are real; undefined where there is none, and no prompt can be pruned. */
  readonly mask: string | undefined
  /** The output with scores of the next token, and of how many tokens. */
  readonly logits: string
  readonly logitsOf: 'all tokens' | 'the last token' | 'as many tokens as an input says'
  /** How tokens of a prompt are pruned; absent where they are not. */
  readonly prompt?: PrunedPrompt
  /** For each layer: its caches of earlier tokens, [b,g,p,d], and those that it returns with the new ones, [b,g,p+n,d]. */
  readonly caches: readonly { readonly keys: CacheReport; readonly values: CacheReport }[]
}

/**
 * Looks for a decoder in a model; a refusal says why there is none. `lastLogits` leaves
 * out what generating does not read, and `prunePrompt` tokens of a prompt in later layers.
 */
export function inspectDecoder(model: Model): DecoderInspection | { readonly ok: false; readonly refusal: Refusal } {
  try {
    return requireDecoder(model)
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

/** The same, for callers that can do nothing without it. @throws Refused, and what reading a graph fails with */
export function requireDecoder(model: Model): DecoderInspection {
  return withEqualSizes(() => {
    const opened = openModel(model)
    const prompt = readPrunedPrompt(model)
    return {
      ok: true,
      opset: opset(model),
      producer: model.proto.producerName,
      ...report(opened, findDecoder(opened.program)),
      ...(prompt && { prompt }),
    }
  })
}

function report(opened: Opened, decoder: Decoder): Omit<DecoderInspection, 'ok' | 'opset' | 'producer' | 'prompt'> {
  const { program } = opened
  const { layers, firstInput, logits } = decoder
  const [{ attention: first, keys }] = layers
  const past = program.tensor(keys.past)
  const cached = keys.isByHead ? (past.dims[1] as Dim) : undefined
  const heads = headsOf(program, first) ?? cached ?? unknownDim()
  const keyHeads = cached ?? heads
  return {
    layerCount: layers.length,
    ...(program.assumedSizes.length > 0 && { assumed: program.assumedSizes }),
    hidden: program.tensor(firstInput).dims[2] as Dim,
    heads,
    keyHeads,
    headSize: headSizeOf(program, first, heads),
    byHead: layers.every(({ keys, values }) => keys.isByHead && values.isByHead),
    dtype: past.dtype,
    ...(first.fused && { fused: operatorName(first.fused) }),
    rotary: rotaryOf(opened, first, firstInput),
    positions: positionsOf(program, decoder),
    mask: findTokenMask(program, decoder, layers[0]),
    logits,
    logitsOf: logitsFor(program, logits),
    caches: layers.map(({ keys, values }) => ({ keys: cacheReport(keys), values: cacheReport(values) })),
  }
}

function cacheReport({ past, present, scale }: CacheReport): CacheReport {
  return { past, present, ...(scale && { scale }) }
}

/** Undefined where heads are folded into the batch. */
function headsOf(program: Program, { query, fused }: CachedAttention): Dim | undefined {
  const { dims } = program.tensor(query)
  const said = fused && (integerAttribute(fused, 'num_heads', 0) || integerAttribute(fused, 'q_num_heads', 0))
  return said || (dims.length === 4 ? dims[1] : undefined)
}

/** Of one operator the result has all heads in one axis; written out, a query has an axis for them. */
function headSizeOf(program: Program, { query, context, fused }: CachedAttention, heads: Dim): Dim {
  const { rank, dims } = program.tensor(context)
  if (fused === undefined) return program.tensor(query).dims.at(-1) as Dim
  return rank === 4 ? (dims[3] as Dim) : (divideExactly(dims[2] as Dim, heads as number) ?? unknownDim())
}

function logitsFor(program: Program, logits: string): DecoderInspection['logitsOf'] {
  if (program.graph.inputs.some(({ name }) => saysHowManyLogits(name))) return 'as many tokens as an input says'
  return program.tensor(logits).dims[1] === 1 ? 'the last token' : 'all tokens'
}

function rotaryOf(
  { program, expansions }: Opened,
  { query, fused }: CachedAttention,
  stream: string,
): DecoderInspection['rotary'] {
  if (fused !== undefined && integerAttribute(fused, 'do_rotary', 0) === 1) return 'in the attention'
  if (expansions.some(({ node }) => node.opType === 'RotaryEmbedding')) return 'operator'
  const types = new Set([...program.before(query, stream)].map((name) => program.graph.producer(name)?.opType))
  if (types.has('RotaryEmbedding')) return 'operator'
  // Half of what is turned changes its sign.
  return types.has('Neg') ? 'written out' : 'none'
}

/**
 * An input of integers [b,n] that is not the tokens' numbers. By these states are looked up; by positions, too, in some models. Of
 * the two the names tell, or else words are more.
 */
function positionsOf(program: Program, { logits, firstInput }: Decoder): string | undefined {
  const [batch, tokens, hidden] = program.tensor(firstInput).dims
  const read = program.inputsOf(logits)
  const candidates = program.graph.inputs
    .map(({ name }) => name)
    .filter((name) => {
      const { dtype, dims } = program.tensor(name)
      const isPerToken = dims.length === 2 && dims[0] === batch && dims[1] === tokens
      return read.has(name) && dtype.startsWith('int') && isPerToken
    })
  const looked = candidates
    .map((name) => ({ name, rows: rowsOfStates(program, name, hidden as Dim), named: /position/i.test(name) }))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => Number(a.named) - Number(b.named) || b.rows - a.rows)
  return candidates.find((name) => name !== looked[0]?.name)
}

/** Rows of the largest table that states [b,n,D] are looked up in by an input; 0 if there is none. */
function rowsOfStates(program: Program, name: string, hidden: Dim): number {
  const sizes = program.graph.nodes.flatMap(({ opType, input: [table = '', indices = ''], output: [states = ''] }) => {
    if (!opType.startsWith('Gather') || indices === '' || program.dependsOnInputs(table)) return []
    const [rows] = program.tensor(table).dims
    const isStates = program.tensor(states).dims.at(-1) === hidden && typeof rows === 'number'
    return isStates && program.inputsOf(indices).has(name) ? [rows] : []
  })
  return Math.max(0, ...sizes)
}
