import { Graph, type Model, type NodeProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { hasTrait } from '../operators/traits.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import { keepBiasApart } from './bias-apart.ts'
import { eachNode } from './each-node.ts'
import { excludedNow, neverQuantized } from './excluded-nodes.ts'
import { floatWeights } from './float-weights.ts'
import { forgetShapes } from './forget-shapes.ts'
import { nodesOf, shownName } from './node-names.ts'
import type { QuantizedModel, QuantizedNode } from './quantize-model.ts'
import { withRoundedWeights } from './quantized-graph.ts'
import { rangedProductOf, writeByToken, writeInFloats } from './ranged-products.ts'
import { sized } from './sized.ts'

/**
 * Rounds the activations of a file with 8-bit products (of `quantize_dynamic`, or of `quantize` with one scale for a tensor) token by token,
 * each by its own range instead of that of the whole batch. Weights remain as they are, bit for bit. Products of two
 * activations, and convolutions, which have no rows with ranges of their own, compute in float32.
 * @param exclude products that compute in float32, with the weights as they are
 * @param origin what `source` was made from by pruning; `exclude` may name its nodes, too
 * @throws Refused TP_QUANTIZED for a node that cannot be rewritten; TpError TP_OPTION
 */
export function roundByToken(source: Model, exclude: ReadonlySet<string>, origin: Model): QuantizedModel {
  const model = sized(source)
  const graph = new Graph(model)
  const left = excludedNow(graph, origin, exclude, isInteger)
  const nodes: QuantizedNode[] = []
  const to = withRoundedWeights(graph)
  eachNode(to, (node, own) => {
    const product = rangedProductOf(node, own)
    if (product === undefined) return
    const name = shownName(node)
    if (exclude.has(name)) left.delete(name)
    if (exclude.has(name) || product.weight === undefined) writeInFloats(product, own)
    else {
      writeByToken(product, own)
      nodes.push({ name, operator: operatorName(node) })
    }
  })
  const [unknown] = left
  if (unknown !== undefined) throw neverQuantized(source, unknown)
  graph.removeDeadNodes()
  const byRange = nodesOf(model.proto.graph).find((node) => hasTrait(node, 'range of all'))
  if (byRange !== undefined) throw notByToken(byRange)
  if (nodes.length === 0) throw allInFloats()
  eachNode(to, keepBiasApart)
  graph.removeDeadNodes()
  forgetShapes(model)
  return { model, nodes, remaining: floatWeights(model, exclude), keepsWeights: true }
}

function isInteger(node: NodeProto): boolean {
  return hasTrait(node, 'quantized') && hasTrait(node, 'product', 'fused')
}

function allInFloats(): Refused {
  const reason = 'all of its products would compute in float32, since none reads rows and weights, or each is left out'
  return new Refused('TP_QUANTIZE', `there is nothing to quantize in this model: ${reason}`)
}

function notByToken(node: NodeProto): Refused {
  const reason = `the node ${nameOf(node)} rounds by the range of the whole batch, and its readers are not products in a form that is known`
  return new Refused('TP_QUANTIZED', `${reason}; quantize the float32 file that this one was made from`, node)
}
