import { inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import { cloneModel, Graph, type Model } from '@tp/onnx'

/**
 * A model without some of its blocks: what reads a block's result reads what the block had read. Nothing else changes,
 * and nothing is trained; in Fan et al. (arXiv:1909.11556) the network has learned to do with fewer layers, here it has not.
 * @throws TpError TP_LAYERS for a block that there is not, or if none would be left
 */
export function dropBlocks(model: Model, without: readonly number[]): Model {
  const found = inspect(model)
  if (!found.ok) throw new TpError(found.refusal.code, 'benchmark', found.refusal.message)
  const { blocks } = found
  const unknown = without.find((block) => blocks[block] === undefined)
  if (unknown !== undefined) fail(`there is no block ${unknown}; there are 0 to ${blocks.length - 1}`)
  if (new Set(without).size >= blocks.length) fail('no block would be left')
  const shallow = cloneModel(model)
  const graph = new Graph(shallow)
  // from the last to the first, so that a block's input is still what it was
  for (const index of [...new Set(without)].sort((a, b) => b - a)) {
    const { input, output } = blocks[index] as (typeof blocks)[number]
    if (output === undefined || !graph.has(input) || !graph.has(output) || graph.isOutput(output)) {
      fail(`where block ${index} begins and ends cannot be told from the graph`)
    }
    graph.replaceAllUses(output as string, input)
  }
  graph.removeDeadNodes()
  return shallow
}

function fail(message: string): never {
  throw new TpError('TP_LAYERS', 'benchmark', message)
}
