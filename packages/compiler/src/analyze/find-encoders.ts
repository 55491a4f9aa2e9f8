import { TpError } from '@tp/core'
import { type Dim, isUnknown, mulDims, namesIn } from '@tp/core/expression'
import { headsInBatch } from '../operators/heads.ts'
import type { PositionRead } from '../operators/token-position.ts'
import { hasTrait } from '../operators/traits.ts'
import { batchFirst } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import { stepsOf } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { findAttentions } from './attention.ts'
import { type EarlierCuts, earlierCuts, layersBefore, withWholeInput } from './earlier-cuts.ts'
import type { Encoder, LaterLayers } from './encoder.ts'
import { findHead, type HeadOutput } from './head.ts'
import { findLayer, inputAfter, type Layer } from './layer.ts'
import { type LearnedTokens, learnedTokens } from './learned-tokens.ts'
import { findMask } from './mask.ts'
import { refuseMixing } from './mixed-tokens.ts'
import { findPoolCounts } from './pool-counts.ts'
import { requirePairwiseTerms } from './position-terms.ts'
import {
  refuseUnknownShape,
  refuseWithoutLayers,
  requireKnownLayers,
  requireWholeAttention,
  undecided,
  unknownOperator,
  unknownText,
} from './refusal-reasons.ts'
import { findStacks, type Stack } from './stacks.ts'
import { tablesChosenFrom } from './tables.ts'
import { TOKENS, type TokenAxis, traceTokens } from './token-axis.ts'
import { traceToHead, type WholeHead } from './whole-head.ts'

/** A stack of layers that is an encoder, or why its tokens cannot be pruned. */
export type FoundEncoder =
  | { readonly name: string; readonly layerCount: number; readonly encoder: Encoder }
  | { readonly name: string; readonly layerCount: number; readonly refused: Refused }

/**
 * Finds the encoders in a graph by structure: one, or several side by side (two encoders).
 * @throws Refused if none of them can be pruned
 */
export function findEncoders(program: Program): FoundEncoder[] {
  try {
    return encodersOf(program)
  } catch (error) {
    throw refuseUnknownShape(program, error) ?? error
  }
}

function encodersOf(program: Program): FoundEncoder[] {
  const attentions = findAttentions(program)
  const layers = attentions
    .map((attention) => findLayer(program, attention))
    .filter((layer) => layer !== undefined)
    .map((layer) => ({ ...layer, input: batchFirst(program, layer.input), site: batchFirst(program, layer.site) }))
    .map((layer) => withWholeInput(program, layer))
  if (layers.length === 0) throw refuseWithoutLayers(program, attentions)
  const found = findStacks(program, layers).map((stack): FoundEncoder => {
    const about = { name: stack.name, layerCount: stack.layers.length }
    try {
      return { ...about, encoder: encoderOf(program, stack) }
    } catch (error) {
      if (error instanceof Refused) return { ...about, refused: refuseMixing(program, stack.layers, error) ?? error }
      throw error
    }
  })
  chooseEncoders(found, undefined)
  return found
}

/** The encoders whose real tokens can be pruned: decoders without caches need all of theirs. Packing and dropping padding prune none. */
export function withoutDecoders(found: readonly FoundEncoder[]): FoundEncoder[] {
  return found.map((each) => {
    if (!('encoder' in each) || !each.encoder.predictsNext) return each
    const { name, layerCount, encoder } = each
    const reason = 'this is a decoder, which predicts the next token, and all earlier ones are needed'
    const node = encoder.layers[0]?.attention.chain.at(-1)
    const refused = new Refused('TP_CAUSAL', `causal attention, and an answer for each token: ${reason}`, node)
    return { name, layerCount, refused }
  })
}

/**
 * The encoders to prune: the one of that name, or all that can be.
 * @throws Refused for the requested one, or for the first if none can be; TpError TP_ENCODER if there is none of that name
 */
export function chooseEncoders(found: readonly FoundEncoder[], encoder: string | undefined): [Encoder, ...Encoder[]] {
  if (encoder === undefined) {
    const [first, ...others] = found.flatMap((each) => ('encoder' in each ? [each.encoder] : []))
    if (first === undefined) throw found.flatMap((each) => ('refused' in each ? [each.refused] : []))[0]
    return [first, ...others]
  }
  const named = found.find(({ name }) => name === encoder)
  if (named === undefined) {
    const names = found.map(({ name, layerCount }) => `${name} (${layerCount} layers)`).join(', ')
    throw new TpError('TP_ENCODER', 'compiler', `the model has no encoder ${encoder}; it has ${names}`)
  }
  if ('refused' in named) throw named.refused
  return [named.encoder]
}

function encoderOf(program: Program, stack: Stack): Encoder {
  const { name, input } = stack
  const { layers, laterLayers } = ofOneStream(program, stack.layers)
  const [first] = layers as [Layer]
  const earlier = earlierCuts(program, name, layers)
  const open = earlier === undefined ? 0 : earlier.last.layer + 1
  for (const layer of layers.slice(open)) requireWholeAttention(program, layer)
  const stream = program.tensor(first.input)
  if (!stream.hasShape || stream.rank !== 3 || typeof stream.dims[2] !== 'number') {
    const node = program.graph.producer(first.input)
    const control = program.graph.nodes.find((node) => hasTrait(node, 'control flow'))
    if (!stream.hasShape && control !== undefined) throw undecided(control)
    const unknown = stream.hasShape ? undefined : unknownOperator(program, first.input)
    if (unknown !== undefined) {
      const reason = `upstream of it ${unknownText(program, unknown)}`
      throw new Refused('TP_STREAM', `the shape of the first layer's input is not known, since ${reason}`, unknown)
    }
    const isOpen = stream.hasShape && stream.dims.every(isUnknown)
    const seen = isOpen
      ? 'a value whose sizes are all unknown, as where feature maps are cut into patches'
      : stream.hasShape
        ? `[${stream.dims.map((dim) => (isUnknown(dim) ? '?' : dim)).join(',')}]`
        : 'a value of unknown shape'
    throw new Refused('TP_STREAM', `the first layer reads ${seen}; batch × tokens × hidden size was expected`, node)
  }
  // Downstream of a cut masks and biases come from the choice of tokens; what they say was proved when it was made.
  const { mask, causal } = findMask(program, layersBefore(earlier, layers), first.input)
  const depth = Math.max(layers.length, ...stepsOf(program.model, name).map((step) => step.layerCount))
  const readsIds = input !== undefined && program.tensor(input).dtype.startsWith('int')
  const { axis, wholeHead } = traceToHead(program, {
    ...{ layers, readsIds, stream: earlier?.last.after ?? first.input },
    ends: earlier?.restored?.points.map(({ from }) => from) ?? [],
  })
  requireKnownLayers(program, layers, axis)
  const heads = checkLayers(program, layers, open, axis)
  for (const layer of layers.slice(open)) requirePairwiseTerms(program, axis, layer, first.input)
  const again = (earlier?.restored?.to ?? []).flatMap((to) => tracedAgain(program, to))
  const axes = [axis, ...again]
  // The counts by which an earlier pruning fills rows with a mean are about the tokens that are there again.
  const filled = new Set((earlier?.restored?.to ?? []).flatMap((to) => [...program.before(to)]))
  const reads = Math.max(...axes.map((each) => each.reads))
  if (reads > MOST_POSITIONS)
    throw new Refused(
      'TP_TOKEN_INDEX',
      `a token is read at position ${reads - 1}, and all before it would have to be kept`,
    )
  const learned = learnedTokens(program, first.input)
  const { leading } = learned
  const last = trailingPositions(learned, stream.dims[1] as Dim, wholeHead, earlier)
  // Inside layers leading tokens are taken apart from others and joined again (rope of the patches alone).
  const inside = program.before((layers.at(-1) as Layer).site)
  const singleReads = axes
    .flatMap(({ readers }) => readers)
    .filter(({ single, node }) => single && !inside.has(node.output[0] as string))
  const head = findHead(program, { stream: first.input, mask: mask?.name, axes, wholeHead })
  // Programs that pool states outside may take the first token's: sentence embedders often do.
  const outside = head.some(({ reads }) => reads.some(({ kind }) => kind === 'token-states')) ? 1 : 0
  const pool = { mask: mask?.name, site: (layers.at(-1) as Layer).site, indices: earlier?.last.indices }
  const isFree = (position: number): boolean => earlier === undefined || earlier.protectedTokens.includes(position)
  return {
    name,
    layers,
    laterLayers,
    earlier,
    open,
    depth,
    end: depth > layers.length ? inputAfter(program, layers) : undefined,
    batch: stream.dims[0] as Dim,
    tokens: stream.dims[1] as Dim,
    hidden: stream.dims[2],
    heads,
    readsIds,
    mask: mask?.name,
    maskMarksPadding: mask?.padding === 1,
    isCausal: causal !== undefined,
    predictsNext: causal !== undefined && input !== undefined && answersEveryWord(program, input, head),
    poolsLast: causal !== undefined && outside > 0,
    protectedTokens: [...firstPositions(Math.max(reads, leading, outside)), ...last].filter(isFree),
    apart: [...firstPositions(Math.max(reads, leading, readsIds ? outside : 0)), ...last],
    required: firstPositions(reads),
    positionReads: [
      ...(earlier === undefined ? axis.positionReads : amongKept(axis)),
      ...again.flatMap((each) => each.positionReads),
    ],
    poolCounts: axes
      .flatMap((each) => findPoolCounts(program, each, pool))
      .filter(({ node }) => !filled.has(node.output[0] as string)),
    classToken: singleReads.length > 0 || (wholeHead !== undefined && leading > 0) ? 0 : undefined,
    head,
    wholeHead,
    tokenOutputs: outputsWith(program, axes, (dims) => dims.includes(TOKENS)),
    countedOutputs: outputsWith(program, axes, (dims) => !dims.includes(TOKENS) && dims.some(isCounted)),
  }
}

/** True if each token has an answer for every row of the table that it was chosen from, or for more of them: logits of a language model, and not of a few classes. */
function answersEveryWord(program: Program, ids: string, head: readonly HeadOutput[]): boolean {
  const rows = tablesChosenFrom(program, ids).map((table) => program.tensor(table).dims[0])
  const words = Math.max(0, ...rows.filter((count) => typeof count === 'number'))
  return head.some(({ reads, output }) => {
    const width = program.tensor(output).dims.at(-1)
    const answersTokens = reads.some(({ kind }) => kind === 'token-answers')
    return answersTokens && words > 0 && typeof width === 'number' && width >= words
  })
}

/** Reads of the tokens that an earlier pruning has kept. */
function amongKept({ positionReads }: TokenAxis): PositionRead[] {
  return positionReads.map((read) => ({ ...read, amongKept: true }))
}

/** The tokens that an earlier pruning has restored; none where a head reads them all at their positions. */
function tracedAgain(program: Program, stream: string): TokenAxis[] {
  try {
    return [traceTokens(program, stream)]
  } catch (error) {
    if (error instanceof Refused) return []
    throw error
  }
}

/**
 * The layers of one stream; to the encoder, later ones are a head. A decoder of a fixed number of queries (DETR) attends to these tokens by
 * cross-attention, which makes its layers build on the encoder's, and so does the next stage of a model that shrinks its grid of patches (LeViT). In a
 * hierarchy, an example of these layers, a sentence, is a token of later ones.
 */
function ofOneStream(
  program: Program,
  layers: readonly Layer[],
): { readonly layers: readonly Layer[]; readonly laterLayers: readonly LaterLayers[] } {
  const [first] = layers as [Layer]
  const [examples] = program.tensor(first.input).dims
  const tokensAt = (stream: string): Dim | undefined => {
    const upstream = program.before(stream)
    const cut = program.earlier.findLast(({ after }) => upstream.has(after))
    return program.tensor(cut?.after ?? first.input).dims[1]
  }
  const isHigher = ({ input }: Layer): boolean => {
    const [batch, tokens] = program.tensor(input).dims
    return batch !== undefined && tokens !== undefined && batch !== examples && mulDims(batch, tokens) === examples
  }
  const otherTokens = ({ input, attention }: Layer): number | undefined => {
    const { hasShape, dims } = program.tensor(attention.probabilities)
    const [queries, keys] = hasShape ? dims.slice(-2) : []
    if (typeof queries !== 'number' || queries !== keys) return undefined
    return program.tensor(input).dims[1] === queries && tokensAt(input) !== queries ? queries : undefined
  }
  const end = layers.findIndex((layer, i) => isHigher(layer) || (i > 0 && otherTokens(layer) !== undefined))
  if (end < 0) return { layers, laterLayers: [] }
  const counts = new Map<number, number>()
  for (const tokens of layers.slice(end).map(otherTokens))
    if (tokens !== undefined) counts.set(tokens, (counts.get(tokens) ?? 0) + 1)
  return {
    layers: layers.slice(0, end),
    laterLayers: [...counts].map(([tokens, count]) => ({ layers: count, tokens })),
  }
}

function outputsWith(program: Program, axes: readonly TokenAxis[], is: (dims: readonly Dim[]) => boolean): string[] {
  const outputs = program.graph.outputs.map(({ name }) => name)
  return outputs.filter((name) => axes.some(({ changed }) => is(changed.get(name)?.dims ?? [])))
}

function isCounted(dim: Dim): boolean {
  return typeof dim === 'string' && namesIn(dim).has(TOKENS)
}

/**
 * Learned tokens at the end, if a head that needs every token reads them there; of a file that was pruned before, all of them.
 * @throws Refused where their positions differ from input to input
 */
function trailingPositions(
  { trailing }: LearnedTokens,
  tokens: Dim,
  wholeHead: WholeHead | undefined,
  earlier: EarlierCuts | undefined,
): number[] {
  if (trailing === 0 || (wholeHead === undefined && earlier === undefined)) return []
  if (typeof tokens === 'number') return firstPositions(trailing).map((i) => tokens - trailing + i)
  if (wholeHead === undefined) return []
  const { code, node } = wholeHead.refused.refusal
  const reason = `the last ${trailing} tokens are learned (detection tokens), and where they are depends on the size of the image`
  throw new Refused(code, `${reason}; export the model for images of one size`, node)
}

/** More tokens than these are not read by position in one model. */
const MOST_POSITIONS = 2 ** 16

function firstPositions(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Proves the token axis in every layer (queries and keys are both counted by it) and returns the number of heads. */
function checkLayers(program: Program, layers: readonly Layer[], open: number, axis: TokenAxis): number {
  const batch = program.tensor(layers[0]?.input as string).dims[0] as Dim
  const all = program.tensor(layers[0]?.attention.probabilities as string).dims
  // Where tokens were pruned at every layer there is none to prove it for.
  let heads = typeof all[1] === 'number' && all.length === 4 ? all[1] : 1
  for (const [i, layer] of [...layers.entries()].slice(open)) {
    const { probabilities, chain } = layer.attention
    const node = chain.at(-1)
    const shape = axis.changed.get(probabilities)?.dims ?? []
    if (shape.at(-1) !== TOKENS || shape.at(-2) !== TOKENS) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `layer ${i} attends over [${shape.join(',')}], not from every token to every token`,
        node,
      )
    }
    const site = axis.changed.get(layer.site)?.dims
    if (site?.length !== 3 || site[1] !== TOKENS) {
      throw new Refused('TP_TOKEN_AXIS', `layer ${i} is not batch × tokens × hidden size after its attention`, node)
    }
    const count = shape.length === 3 ? (headsInBatch(program, probabilities, batch) ?? 1) : shape[1]
    if (typeof count !== 'number')
      throw new Refused('TP_HEADS', `layer ${i} has a number of heads that is not known`, node)
    heads = count
  }
  return heads
}
