import { inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import { cloneModel, Graph, type Model } from '@tp/onnx'

/**
 * A model without some of its layers: what reads a layer's result reads what the layer had read. Nothing else changes,
 * and nothing is trained; in Fan et al. (arXiv:1909.11556) the network has learned to do with fewer layers, here it has not.
 * @throws TpError TP_LAYERS for a layer that there is not, or if none would be left
 */
export function dropLayers(model: Model, without: readonly number[]): Model {
  const found = inspect(model)
  if (!found.ok) throw new TpError(found.refusal.code, 'benchmark', found.refusal.message)
  const { layers } = found
  const unknown = without.find((layer) => layers[layer] === undefined)
  if (unknown !== undefined) fail(`there is no layer ${unknown}; there are 0 to ${layers.length - 1}`)
  if (new Set(without).size >= layers.length) fail('no layer would be left')
  const shallow = cloneModel(model)
  const graph = new Graph(shallow)
  // from the last to the first, so that a layer's input is still what it was
  for (const index of [...new Set(without)].sort((a, b) => b - a)) {
    const { input, output } = layers[index] as (typeof layers)[number]
    if (output === undefined || !graph.has(input) || !graph.has(output) || graph.isOutput(output)) {
      fail(`where layer ${index} begins and ends cannot be told from the graph`)
    }
    graph.replaceAllUses(output as string, input)
  }
  graph.removeDeadNodes()
  return shallow
}

function fail(message: string): never {
  throw new TpError('TP_LAYERS', 'benchmark', message)
}
