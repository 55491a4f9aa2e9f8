import { TpError } from '@tp/core'
import { cloneModel, createNode, Graph, type Model } from '@tp/onnx'
import { type Inspection, inspect, type LayerReport } from './inspect.ts'
import { operatorName } from './operators/operator.ts'
import { addLeftOut } from './program/left-out.ts'
import { stepsOf } from './program/provenance.ts'
import { type Refusal, Refused, refusalOf } from './program/refusal.ts'
import { checkLeaveOut } from './transform/prune-options.ts'

export type LeaveOutResult =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly refusal: Refusal }

export interface LeaveOutOptions {
  /** Name of the encoder that is meant, in a file that holds several which can be pruned. */
  readonly encoder?: string | undefined
}

/**
 * A model without some of its layers, the baseline that pruning tokens has to beat: what reads the stream that a layer returns
 * reads the one that the layer has read. Nothing else changes, and nothing is trained; in Fan et al. (arXiv:1909.11556) the
 * network has learned to do with fewer layers, here it has not. What remains is numbered from 0 again, and the file keeps a record
 * (`leftOut` of `inspect`). The model itself is not changed.
 *
 * Refused like what cannot be pruned, and TP_PRUNED for a file whose tokens are pruned already, TP_LAYERS where a layer's
 * beginning and end are not values of the file.
 * @param layers from 0, in the file's own numbering
 * @throws TpError TP_LAYERS for what is no list of layers, a layer that does not exist, or if none would remain; TP_OPTION for an
 * unknown option; TP_ENCODER for an unknown encoder, or if several could be meant; TP_NOT_ONNX for what is no model
 */
export function leaveOutLayers(model: Model, layers: readonly number[], options: LeaveOutOptions = {}): LeaveOutResult {
  checkLeaveOut(layers, options)
  try {
    return { ok: true, model: withoutLayers(model, layers, options.encoder) }
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

/** @throws Refused; TpError TP_LAYERS, TP_ENCODER, TP_NOT_ONNX */
export function withoutLayers(model: Model, layers: readonly number[], encoder: string | undefined): Model {
  const found = inspect(model, encoder === undefined ? {} : { encoder })
  if (!found.ok) throw new Refused(found.refusal.code, found.refusal.message, found.refusal.node)
  const without = [...new Set(layers)].sort((a, b) => a - b)
  if (without.length === 0) return model
  requireOneEncoder(found, encoder)
  const steps = stepsOf(model, found.encoder)
  if (steps.length > 0) {
    const isCut = steps.some(({ cuts }) => cuts.length > 0)
    const reason = isCut ? 'tokens are pruned already' : 'dead tokens are eliminated already'
    throw new Refused('TP_PRUNED', `${reason}; leave layers out of the file that it was made from`)
  }
  requireLayers(found, without)
  const shallow = cloneModel(model)
  const graph = new Graph(shallow)
  // From the last to the first, so that a layer's input is still what it was.
  for (const layer of without.toReversed()) bypass(graph, found.layers[layer] as LayerReport)
  graph.removeDeadNodes()
  const of = found.layers.length
  addLeftOut(shallow, { ...(found.encoders.length > 1 && { encoder: found.encoder }), layers: without, of })
  return shallow
}

function requireOneEncoder({ encoders }: Inspection, encoder: string | undefined): void {
  const names = encoders.filter(({ refusal }) => refusal === undefined).map(({ name }) => name)
  if (encoder !== undefined || names.length === 1) return
  const seen = `the model has ${names.length} encoders, each with a layer 0`
  throw new TpError('TP_ENCODER', 'compiler', `${seen}; name the one to leave layers out of: ${names.join(' or ')}`)
}

function requireLayers({ layers }: Inspection, without: readonly number[]): void {
  const unknown = without.find((layer) => layers[layer] === undefined)
  if (unknown !== undefined) {
    throw new TpError('TP_LAYERS', 'compiler', `there is no layer ${unknown}; layers are 0 to ${layers.length - 1}`)
  }
  if (without.length === layers.length) throw new TpError('TP_LAYERS', 'compiler', 'no layer would remain')
}

/** @throws Refused */
function bypass(graph: Graph, { layer, input, output }: LayerReport): void {
  const producer = output === undefined ? undefined : graph.producer(output)
  if (output === undefined || producer === undefined || !graph.has(input)) {
    throw new Refused('TP_LAYERS', `where layer ${layer} begins and ends cannot be told from the graph`)
  }
  // A fused residual gives the stream and its norm: readers of the norm would go on reading the layer.
  if (producer.output.some((name) => name !== output && graph.isUsed(name))) {
    const seen = `layer ${layer} ends in ${operatorName(producer)}, which also computes what the next layer reads`
    throw new Refused('TP_LAYERS', `${seen}; leave layers out of the file before it is optimized`, producer)
  }
  if (!graph.isOutput(output)) {
    graph.replaceAllUses(output, input)
    return
  }
  const free = graph.uniqueName(output)
  graph.renameOutput(producer, producer.output.indexOf(output), free)
  graph.replaceAllUses(free, input)
  graph.insert([createNode({ type: 'Identity', inputs: [input], outputs: [output] })])
}
