import { bfloat16Reason, dtypeOf, Graph, type Model, type NodeProto, type TensorProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { readProvenance } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { keepBiasApart } from './bias-apart.ts'
import { eachNode } from './each-node.ts'
import { excludedNow, neverQuantized } from './excluded-nodes.ts'
import { type FloatWeights, floatWeights } from './float-weights.ts'
import { forgetShapes } from './forget-shapes.ts'
import { inlineExternal } from './inline-external.ts'
import { isOfPruning, shownName } from './node-names.ts'
import type { QuantizeForm } from './quantize-form.ts'
import { QuantizedGraph } from './quantized-graph.ts'
import { isOfRows, productWeights, rewriteOf, tableOf } from './rewrite-nodes.ts'
import { sized } from './sized.ts'

/** A model with 8-bit weights. */
export interface QuantizedModel {
  readonly model: Model
  /** The quantized parts, in the order of the file. */
  readonly nodes: readonly QuantizedNode[]
  /** Weights that remain in float32, by the operator that reads them, most bytes first; those of the smallest are not counted. */
  readonly remaining: readonly FloatWeights[]
  /** Whether the weights were in 8 bits already, and are as they were: only the rounding of activations is another. */
  readonly keepsWeights: boolean
}

export interface QuantizedNode {
  /** The node's name in the source, or that of its result where it has none. */
  readonly name: string
  /** MatMul, Gemm, Gather or com.microsoft.Attention */
  readonly operator: string
}

/**
 * @param origin what `source` was made from by pruning; `exclude` may name its nodes, too
 * @throws Refused, and what reading a graph fails with; TpError TP_OPTION for a node to exclude that is not quantized
 */
export function quantizeModel(
  source: Model,
  { rounding, activations, exclude }: QuantizeForm,
  origin: Model,
): QuantizedModel {
  const model = sized(source)
  const graph = new Graph(model)
  const isPruned = readProvenance(model).length > 0
  const isOurs = (node: NodeProto): boolean => isPruned && isOfPruning(node)
  const left = excludedNow(graph, origin, exclude, (node) => rewriteOf(node) !== undefined)
  const to = new QuantizedGraph(graph, rounding, activations)
  to.tie(tiedTables(to, (node) => isOurs(node) || exclude.has(shownName(node))))
  const nodes: QuantizedNode[] = []
  eachNode(to, (node, own) => {
    const name = shownName(node)
    const rewrite = isOurs(node) ? undefined : rewriteOf(node)
    if (rewrite === undefined) return
    if (exclude.has(name)) left.delete(name)
    else if (rewrite(node, own)) nodes.push({ name, operator: operatorName(node) })
  })
  if (activations === 'token') eachNode(to, keepBiasApart)
  const [unknown] = left
  if (unknown !== undefined) throw neverQuantized(source, unknown)
  if (nodes.length === 0) throw nothingToQuantize(graph, exclude.size)
  graph.removeDeadNodes()
  forgetShapes(model)
  inlineExternal(model)
  return { model, nodes, remaining: floatWeights(model, exclude), keepsWeights: false }
}

/** Tables (of embeddings) that are a product's weights, too, transposed (those of the head). */
function tiedTables(of: QuantizedGraph, isKept: (node: NodeProto) => boolean): Set<TensorProto> {
  const [tables, factors] = [new Set<TensorProto>(), new Set<TensorProto>()]
  eachNode(of, (node, own) => {
    if (isKept(node)) return
    const [table, weights] = [tableOf(node, own), productWeights(node, own)]
    if (table?.tensor.dims.length === 2 && isOfRows(node)) tables.add(table.tensor)
    if (weights?.isTransposed) factors.add(weights.tensor)
  })
  return new Set([...factors].filter((tensor) => tables.has(tensor)))
}

function nothingToQuantize(graph: Graph, excluded: number): Refused {
  const bfloat16 = bfloat16Reason(graph.model)
  if (bfloat16 !== undefined)
    return new Refused('TP_BFLOAT16', `there is nothing to quantize in this model: ${bfloat16}`)
  const isHalf = graph.initializers.some(({ dataType }) => dtypeOf(dataType) === 'float16')
  const reason = isHalf
    ? 'its weights are of half precision; quantize the float32 file it was made from'
    : excluded > 0
      ? 'every node that could be is left out'
      : 'no product and no table of it has constant float32 weights'
  return new Refused('TP_QUANTIZE', `there is nothing to quantize in this model: ${reason}`)
}
