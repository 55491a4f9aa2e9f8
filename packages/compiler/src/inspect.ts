import { schedule, truncate } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { type AssumedSize, type Model, type NodeProto, opset } from '@tp/onnx'
import type { Encoder, LaterLayers } from './analyze/encoder.ts'
import { chooseEncoders, type FoundEncoder, findEncoders, withoutDecoders } from './analyze/find-encoders.ts'
import type { HeadOutput } from './analyze/head.ts'
import { layerOutput } from './analyze/layer.ts'
import { maskInput } from './analyze/mask.ts'
import { segmentInputs } from './analyze/segments.ts'
import type { Expansion } from './normalize/expansion.ts'
import { openModel } from './normalize/open.ts'
import { operatorName, type TokenPosition } from './operators/operator.ts'
import { type LeftOutLayers, readLeftOut } from './program/left-out.ts'
import { type Program, withEqualSizes } from './program/program.ts'
import { type PruningStep, readProvenance } from './program/provenance.ts'
import { type Refusal, Refused, refusalOf, whyRefused } from './program/refusal.ts'
import { prune } from './transforms/prune.ts'
import { transform } from './transforms/transform.ts'

/** An encoder whose tokens can be pruned. */
export interface EncoderReport {
  /** The first input of the model that it reads. */
  readonly encoder: string
  readonly layers: readonly LayerReport[]
  /** Further layers over other tokens, which are not pruned. */
  readonly laterLayers: readonly LaterLayers[]
  /** The first layer whose tokens may be pruned: those before it were pruned already. */
  readonly open: number
  /** Sizes as the file names them; numbers where they are fixed. */
  readonly batch: Dim
  readonly tokens: Dim
  /** Sizes of inputs that are taken to be equal, because exporters give them two names; the model also runs where they differ. */
  readonly assumed?: readonly AssumedSize[]
  readonly hidden: number
  readonly heads: number
  /** Input that tells real tokens from padding. */
  readonly mask: string | undefined
  /** That input is 1 where padding is, not where tokens are real. */
  readonly maskMarksPadding?: true
  /** Input that numbers the segments of pairs (`token_type_ids`). */
  readonly segments: string | undefined
  /** Some tokens may be padding, whatever says so. */
  readonly padded: boolean
  /** Positions that are kept whatever their score. */
  readonly protectedTokens: readonly number[]
  readonly classToken: number | undefined
  /** Other tokens that the head reads, one of each example, in words; they are kept too. */
  readonly positions: readonly string[]
  /** Tokens see only earlier ones, and their states are pooled outside: the last attended token is kept. */
  readonly poolsLast?: true
  /** The use of the tokens by each output: which of them it reads, or how it pools them. */
  readonly head: readonly HeadOutput[]
  /** Outputs with one row for every token; pruned tokens have to be restored for them. */
  readonly tokenOutputs: readonly string[]
  /** The cost of choosing tokens by attention that is fused into one operator; absent where none is. */
  readonly unfusing?: string
}

/** The findings about a model: the requested encoder, or the first that can be pruned, and the names of the others. */
export interface Inspection extends EncoderReport {
  readonly ok: true
  readonly opset: number
  readonly producer: string
  /** Every encoder of the file, this one included. */
  readonly encoders: readonly EncoderSummary[]
  /** Prunings that the file has gone through, oldest first. */
  readonly pruned: readonly PruningStep[]
  /** Layers that the file was made without, oldest first. */
  readonly leftOut: readonly LeftOutLayers[]
}

export interface EncoderSummary {
  readonly name: string
  readonly layerCount: number
  /** Why its tokens cannot be pruned, if so. */
  readonly refusal?: Refusal
}

export interface LayerReport {
  readonly layer: number
  /** The residual stream that the layer reads, and the one that it returns, by the names of their values. */
  readonly input: string
  readonly output: string | undefined
  /** Where tokens may be pruned, by the name of the value. */
  readonly site: string
  readonly norm: 'pre' | 'post'
  /** Name of the softmax's node, or of the operator that hides it. */
  readonly attention: string
  /** The one operator that the attention is, if it is: it hides the probabilities. */
  readonly fused?: string
}

export interface InspectOptions {
  /** Name of the encoder that is meant, in a file that holds several. */
  readonly encoder?: string
  /**
   * Also prunes each encoder in memory, at all layers but the first: what is in the way of every method is seen only then. It takes
   * a few times as long; default: no.
   */
  readonly tries?: boolean
}

/**
 * Looks for the encoders in a model; a refusal says why tokens cannot be pruned. That is an answer, and returned as one: whoever asks
 * shows it and goes on, where a transform has nothing to return.
 * @example
 * const found = inspect(decodeModel(await readFile('model.onnx')))
 * console.log(found.ok ? `${found.layers.length} layers` : found.refusal.message)
 */
export function inspect(
  model: Model,
  options: InspectOptions = {},
): Inspection | { readonly ok: false; readonly refusal: Refusal } {
  try {
    return withEqualSizes(() => {
      const { program, expansions } = openModel(model)
      const all = withoutDecoders(findEncoders(program))
      const found = options.tries ? all.map((each) => tried(model, each)) : all
      const [encoder] = chooseEncoders(found, options.encoder)
      return {
        ok: true,
        opset: opset(model),
        producer: model.proto.producerName,
        ...reportOf(program, encoder, expansions),
        encoders: found.map((each) => ({
          name: each.name,
          layerCount: each.layerCount,
          ...('refused' in each && { refusal: each.refused.refusal }),
        })),
        pruned: readProvenance(model),
        leftOut: readLeftOut(model),
      }
    })
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

/** An encoder as it was found, or refused where not even the plainest method can prune it: `truncate` reads nothing of the tokens but their positions. */
function tried(model: Model, found: FoundEncoder): FoundEncoder {
  if (!('encoder' in found)) return found
  const { name, layerCount, encoder } = found
  const open = Array.from({ length: encoder.depth }, (_, layer) => layer).slice(encoder.open)
  const layers = encoder.open === 0 && open.length > 1 ? open.slice(1) : open
  if (layers.length === 0) return found
  const amounts = schedule(encoder.depth, { layers, keep: 0.5 })
  const refusal = whyRefused(() => transform(model, prune({ method: truncate(), schedule: amounts, encoder: name })))
  return refusal === undefined
    ? found
    : { name, layerCount, refused: new Refused(refusal.code, refusal.message, refusal.node) }
}

function reportOf(program: Program, encoder: Encoder, expansions: readonly Expansion[]): EncoderReport {
  const { name, open, batch, tokens, hidden, heads, protectedTokens, classToken, head, tokenOutputs } = encoder
  const marks = maskInput(program, encoder)
  const mask = marks?.name
  const padded = encoder.mask !== undefined
  const readsLast = head.every(({ reads }) => reads.every(({ kind }) => kind === 'last-token'))
  const read = new Set(
    encoder.positionReads.map(({ position }) =>
      readsLast && encoder.mask !== undefined && 'index' in position ? LAST_ATTENDED : positionText(position),
    ),
  )
  const positions = [...read, ...(encoder.poolsLast ? [LAST_ATTENDED] : [])]
  const layers = encoder.layers.map((own, layer): LayerReport => {
    const { input, site, norm, attention } = own
    const output = layerOutput(program, encoder.layers, layer)
    const about = { layer, input, output, site, norm }
    const softmax = attention.chain.at(-1) as NodeProto
    const fused = expansions.find(({ nodes }) => nodes.includes(softmax))?.node
    if (fused === undefined) return { ...about, attention: softmax.name || attention.probabilities }
    return { ...about, attention: fused.name || (fused.output[0] as string), fused: operatorName(fused) }
  })
  const report = {
    encoder: name,
    layers,
    laterLayers: encoder.laterLayers,
    open,
    batch,
    tokens,
    ...(program.assumedSizes.length > 0 && { assumed: program.assumedSizes }),
    hidden,
    heads,
    mask,
    ...(marks?.padding === 1 && { maskMarksPadding: true as const }),
    segments: segmentInputs(program, encoder).segments?.name,
    protectedTokens,
    classToken,
    head,
    tokenOutputs,
    positions,
    ...(encoder.poolsLast && { poolsLast: true as const }),
    padded,
  }
  const unfusing = costOfUnfusing(report)
  return unfusing === undefined ? report : { ...report, unfusing }
}

const LAST_ATTENDED = 'the last attended token'

function positionText(position: TokenPosition): string {
  if ('index' in position) return `the token at ${position.index}`
  return position.fromEnd === 1 ? 'the last token' : `the token ${position.fromEnd} from the end`
}

function costOfUnfusing({ layers, batch, heads, tokens }: EncoderReport): string | undefined {
  const operators = [...new Set(layers.flatMap(({ fused }) => fused ?? []))]
  if (operators.length === 0) return undefined
  const which = operators.length === 1 ? `one ${operators[0]} operator` : `one operator (${operators.join(', ')})`
  const cost = `the same FLOPs, but ${batch}·${heads}·${tokens}² of them in memory`
  return `attention is ${which} that hides its probabilities; where a method reads them it is written out: ${cost}`
}
