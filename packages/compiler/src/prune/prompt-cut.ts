import {
  type Amount,
  axisSize,
  cast,
  equal,
  input,
  type Method,
  max,
  or,
  slice,
  sub,
  sum,
  type Tensor,
  TpError,
  unsqueeze,
  where,
  xor,
} from '@tp/core'
import { type Dim, isUnknown, unknownDim } from '@tp/core/expression'
import { initialState, keepsAll, reduceTokens } from '@tp/core/host'
import type { NodeProto } from '@tp/onnx'
import type { Attention } from '../analyze/attention.ts'
import { requireLengthUnread } from '../analyze/cache-length.ts'
import type { Cache } from '../analyze/caches.ts'
import { type Decoder, type DecoderLayer, residualOf } from '../analyze/decoder.ts'
import { change, commit, placeholder } from '../operators/flow.ts'
import { follow } from '../operators/follow.ts'
import { groupQueryInputs } from '../operators/fused/group-query.ts'
import { integerAttribute } from '../operators/node-inputs.ts'
import { type Flow, operatorName } from '../operators/operator.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { countKept, type Lengths } from './group-query-kept.ts'
import { markFillers, writeColumns } from './prompt-fillers.ts'
import { promptSource } from './prompt-source.ts'
import { editing, keptRows, type OwnRows, Rewriter } from './rows.ts'

export interface PromptCut {
  readonly method: Method
  readonly amount: Amount
  /** After the attention of this layer. */
  readonly layer: number
  /** Tokens that are kept whatever their score, besides the last one, counted from the first real one. */
  readonly protect: readonly number[]
  /** At least so many new tokens of each example are kept, or all that it has. */
  readonly leastTokens: number
}

const PREFIX = 'tp/prompt'

/** Names of token counts after the cut: of the new tokens, and of all that later layers see. */
const [NEW, ALL] = ["T'new", "T'all"]

/**
 * Keeps some of the new tokens after the attention of a layer, and makes the layers after it follow: they compute these alone, with
 * the positions that these have in the prompt, and their caches hold these alone.
 *
 * Every example keeps its share of its own real tokens, so that shorter ones have slots to spare: these come first and hold padding, and
 * the last slot holds the last real token. The part that later layers see of earlier tokens is as long as their caches are.
 * @returns the decoder as it is then
 */
export function cutPrompt(program: Program, decoder: Decoder, cut: PromptCut): Decoder {
  const { layers, firstInput } = decoder
  const { attention, keys: seen } = layers[cut.layer] as DecoderLayer
  const stream = residualOf(program, attention)?.sum
  if (stream === undefined) {
    const reason = `the attention of layer ${cut.layer} is not added to the stream that its queries, keys and values come from`
    throw new Refused('TP_DECODER', reason, seen.node)
  }
  const later = layers.slice(cut.layer + 1) as [DecoderLayer, ...DecoderLayer[]]
  requireKnownAttention(later)
  const caches = later.flatMap(({ keys, values }) => [keys, values])
  for (const cache of caches) requireLengthUnread(program, cache)
  const mask = tokenMask(program, decoder, layers[cut.layer] as DecoderLayer)
  const { after, indices, shown } = keepTokens(program, decoder, cut, stream, mask)
  const own = program.upstream([after, indices, shown])
  const stops = new Set([...own, ...caches.map(({ node }) => node)])

  const [batch, tokens, hidden] = program.tensor(stream).dims as [Dim, Dim, Dim]
  const rows = keptRows(program.tensor(indices), indices)
  const kept = flowOf(program, { rows, stream: firstInput, count: NEW, before: tokens })
  change(kept, after, placeholder(after, program.tensor(stream), [batch, NEW, hidden]))
  for (const { attention } of later) {
    // One operator gives as many rows as it gets.
    if (attention.fused === undefined) continue
    const context = program.tensor(attention.context)
    const width = context.hasShape ? (context.dims[2] as Dim) : unknownDim()
    change(kept, attention.context, placeholder(attention.context, context, [batch, NEW, width]))
  }
  follow(kept, stops)
  commit(kept)

  const all = attention.fused === undefined ? (program.tensor(seen.present).dims[2] as Dim) : unknownDim()
  for (const cache of caches) declareLengths(program, cache)
  const lengths: Lengths = { indices, seen: seen.past, kept: later[0].keys.past, stream }
  if (later[0].attention.fused === undefined) markFillers(program, later[0].keys, shown)
  seeKept(program, later, { lengths, mask, isWhole: keepsAll(cut.amount), all, stops })
  const operators = later.flatMap(({ attention: { fused } }) => (fused === undefined ? [] : [fused]))
  countKept(program, operators, lengths)
  program.graph.sortTopologically()
  // Where attention and feed-forward are side by side, the next layer reads the site itself.
  return decoder.lastInput === stream ? { ...decoder, lastInput: after } : decoder
}

/** @throws Refused for later layers whose attention is an operator without an input for positions */
function requireKnownAttention(later: readonly DecoderLayer[]): void {
  for (const { attention, keys } of later) {
    const { fused } = attention
    if (fused === undefined && keys.isByHead) continue
    if (fused === undefined)
      throw new Refused('TP_HEADS', 'the caches are not [batch, heads, tokens, head size]', keys.node)
    if (operatorName(fused) !== 'com.microsoft.GroupQueryAttention')
      throw new Refused('TP_UNSUPPORTED_OP', `in ${fused.opType} kept tokens cannot be given their positions`, fused)
    if (integerAttribute(fused, 'local_window_size', -1) >= 0)
      throw new Refused(
        'TP_UNSUPPORTED_OP',
        'an attention sees only the last tokens, and would count the kept ones',
        fused,
      )
  }
}

interface Seen {
  readonly lengths: Lengths
  readonly mask: string
  /** No prompt loses a token: then padding is where the mask of all tokens says, if it was on the left. */
  readonly isWhole: boolean
  /** Size p+n of all that a layer sees. */
  readonly all: Dim
  readonly stops: ReadonlySet<NodeProto>
}

/** Makes what is written out of the attention of later layers see what their caches hold. */
function seeKept(program: Program, later: readonly DecoderLayer[], options: Seen): void {
  const { lengths, mask, isWhole, all, stops } = options
  const written = later.filter(({ attention }) => attention.fused === undefined)
  if (written.length === 0) return
  const columns = writeColumns(program, lengths, { mask, isWhole })
  const rows = keptRows(program.tensor(columns), columns)
  const joined = flowOf(program, { rows, stream: mask, count: ALL, before: all })
  for (const { node } of written.flatMap(({ keys, values }) => [keys, values])) {
    const name = node.output[0] as string
    const { dims } = program.tensor(name)
    change(joined, name, placeholder(name, program.tensor(name), [dims[0] as Dim, dims[1] as Dim, ALL, dims[3] as Dim]))
  }
  follow(joined, new Set([...stops, ...program.upstream([columns])]))
  commit(joined)
}

/** @throws Refused TP_MASK */
function tokenMask(program: Program, decoder: Decoder, layer: DecoderLayer): string {
  const found = findTokenMask(program, decoder, layer)
  if (found !== undefined) return found
  throw new Refused('TP_MASK', 'no input [batch, earlier and new tokens] says which tokens are real')
}

/** The input [b,p+n] by which a layer knows which tokens are real; undefined where there is none. */
export function findTokenMask(
  program: Program,
  { firstInput }: Decoder,
  { attention }: DecoderLayer,
): string | undefined {
  const { fused } = attention
  const hiding = fused === undefined ? (attention as Attention).sides : [fused.input[groupQueryInputs.last] ?? '']
  const read = new Set(hiding.flatMap((name) => [...program.inputsOf(name, firstInput)]))
  const [batch, tokens] = program.tensor(firstInput).dims
  return program.graph.inputs.find(({ name }) => {
    const { dims, dtype } = program.tensor(name)
    const isMask = /^(int|bool)/.test(dtype) && dims.length === 2 && dims[0] === batch && dims[1] !== tokens
    return isMask && read.has(name)
  })?.name
}

/**
 * The nodes that a choice has written: the kept tokens [b,k,D], which all readers of the stream read then, and their
 * indices [b,k,1].
 */
interface KeptTokens {
  readonly after: string
  readonly indices: string
  /** bool [b,k]: slots whose key is stored as it is, see {@link markFillers} */
  readonly shown: string
}

/** Puts the choice into the graph. */
function keepTokens(
  program: Program,
  decoder: Decoder,
  { method, amount, layer, protect, leastTokens }: PromptCut,
  stream: string,
  mask: string,
): KeptTokens {
  requireScorer(method)
  const source = promptSource(program, decoder, layer, stream)
  const operands = new Operands(program)
  const tokens = operands.value(mask, ['B', 'M'])
  const real = cast(slice(tokens, { axis: 1, start: sub(axisSize(tokens, 1), axisSize(source.hidden, 1)) }), 'bool')
  const state = initialState(source.hidden, real, protect)
  // The token that is read next, wherever the padding is.
  const last = sub(max(where(real, state.ordinals, 0), 1, { keepDims: true }), 1)
  const { cut } = reduceTokens({
    method,
    source: {
      ...source,
      // Padding on the left sees nothing at all, of which a softmax makes what is no number.
      attention: () => where(unsqueeze(real, [1, 3]), source.attention(), 0),
      classToken: () => last,
    },
    state: { ...state, protectedInputs: [last] },
    amount,
    least: keepsAll(amount) ? 0 : leastTokens,
    // An operator counts tokens from the left.
    fillers: decoder.layers[layer + 1]?.attention.fused === undefined ? 'first' : 'last',
  })
  if (cut?.valid === undefined || cut.ragged)
    throw new TpError('TP_METHOD', 'compiler', `${method.name} chooses no tokens`)
  const { graph } = program
  const [batch, , hidden] = program.tensor(stream).dims as [Dim, Dim, Dim]
  const written = program.writeAll(
    [cut.states(source.hidden), cut.indices, keepsAll(amount) ? or(cut.valid, isInPlace(cut.valid, real)) : cut.valid],
    new Map([...source.names, ...operands.names]),
    {
      prefix: PREFIX,
      dims: [
        [batch, NEW, hidden],
        [batch, NEW, 1],
        [batch, NEW],
      ],
    },
  )
  const [after, indices, shown] = written.map(({ name }) => name) as [string, string, string]
  graph.replaceAllUses(stream, after, { except: program.upstream([after, indices, shown]) })
  graph.sortTopologically()
  return { after, indices, shown }
}

/** bool [b,1]: whether an example, none of whose tokens is pruned, has its padding where it was. */
function isInPlace(valid: Tensor, real: Tensor): Tensor {
  return equal(sum(cast(xor(valid, real), 'float32'), 1, { keepDims: true }), 0)
}

function requireScorer(method: Method): void {
  if ('score' in method) return
  const reason = `${method.name} does more than score tokens`
  throw new TpError('TP_METHOD', 'compiler', `${reason}, and of a prompt tokens can only be dropped by a score`)
}

interface FlowOptions {
  readonly rows: OwnRows
  readonly stream: string
  readonly count: string
  readonly before: Dim
}

function flowOf(program: Program, { rows, stream, count, before }: FlowOptions): Flow {
  const rewriter = new Rewriter(program, stream, rows, count, PREFIX)
  // The last token is read at the end, and is kept.
  return { ...editing(rewriter), count, before, changed: new Map(), reads: () => {}, readsAt: () => {} }
}

/** Caches of later layers have a length of their own. */
function declareLengths(program: Program, { past, present }: Cache): void {
  const { dtype, dims } = program.tensor(past)
  const named = (length: string): Dim[] => dims.map((dim, axis) => (axis === 2 ? length : dim))
  for (const [name, own] of [
    [past, named('kept_past_length')],
    [present, named('kept_length')],
  ] as const) {
    program.setTensor(name, input(name, dtype, own))
    program.graph.setValueInfo(
      name,
      dtype,
      own.map((dim) => (isUnknown(dim) ? undefined : dim)),
    )
  }
}
