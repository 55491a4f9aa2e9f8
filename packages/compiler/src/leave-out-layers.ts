import { TpError } from '@tp/core'
import { cloneModel, createNode, Graph, type Model } from '@tp/onnx'
import { inspect, type LayerReport } from './inspect.ts'
import { type Refusal, Refused, refusalOf } from './program/refusal.ts'

export type LeaveOutResult =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly refusal: Refusal }

export interface LeaveOutOptions {
  /** Name of the encoder that is meant, in a file that holds several; default: the first that can be pruned. */
  readonly encoder?: string | undefined
}

/**
 * A model without some of its layers, the baseline that pruning tokens has to beat: what reads the stream that a layer returns
 * reads the one that the layer has read. Nothing else changes, and nothing is trained; in Fan et al. (arXiv:1909.11556) the
 * network has learned to do with fewer layers, here it has not. The layers that remain are numbered anew. The model itself
 * is not changed.
 *
 * Refused like what cannot be pruned, and TP_PRUNED for a file whose tokens are pruned already, TP_LAYERS where a layer's
 * beginning and end are not values of the file.
 * @param layers from 0
 * @throws TpError TP_LAYERS for a layer that does not exist, or if none would remain; TP_ENCODER; TP_NOT_ONNX for what is no model
 */
export function leaveOutLayers(
  model: Model,
  layers: readonly number[],
  { encoder }: LeaveOutOptions = {},
): LeaveOutResult {
  const found = inspect(model, encoder === undefined ? {} : { encoder })
  if (!found.ok) return found
  if (found.pruned.length > 0) {
    const message = 'tokens are pruned already; leave layers out of the file that it was made from'
    return { ok: false, refusal: { code: 'TP_PRUNED', message } }
  }
  const without = [...new Set(layers)].sort((a, b) => b - a)
  const unknown = without.find((layer) => found.layers[layer] === undefined)
  if (unknown !== undefined) {
    throw new TpError(
      'TP_LAYERS',
      'compiler',
      `there is no layer ${unknown}; layers are 0 to ${found.layers.length - 1}`,
    )
  }
  if (without.length === found.layers.length) throw new TpError('TP_LAYERS', 'compiler', 'no layer would remain')
  try {
    const shallow = cloneModel(model)
    const graph = new Graph(shallow)
    // from the last to the first, so that a layer's input is still what it was
    for (const layer of without) bypass(graph, found.layers[layer] as LayerReport)
    graph.removeDeadNodes()
    return { ok: true, model: shallow }
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

/** @throws Refused */
function bypass(graph: Graph, { layer, input, output }: LayerReport): void {
  const producer = output === undefined ? undefined : graph.producer(output)
  if (output === undefined || producer === undefined || !graph.has(input)) {
    throw new Refused('TP_LAYERS', `where layer ${layer} begins and ends cannot be told from the graph`)
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
