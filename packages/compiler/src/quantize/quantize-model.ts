import { TpError } from '@tp/core'
import { cloneModel, dtypeOf, Graph, type Model, type NodeProto, type TensorProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { readProvenance } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { type FloatWeights, floatWeights } from './float-weights.ts'
import { inlineExternal } from './inline-external.ts'
import { isOfPruning, nodesOf, shownName } from './node-names.ts'
import type { QuantizeForm } from './quantize-form.ts'
import { QuantizedGraph } from './quantized-graph.ts'
import { isOfRows, productWeights, rewriteOf, tableOf } from './rewrite-nodes.ts'

/** A model with 8-bit weights. */
export interface QuantizedModel {
  readonly model: Model
  /** The quantized parts, in the order of the file. */
  readonly nodes: readonly QuantizedNode[]
  /** Weights that remain in float32, by the operator that reads them, most bytes first; those of the smallest are not counted. */
  readonly remaining: readonly FloatWeights[]
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
  const model = cloneModel(source)
  const graph = new Graph(model)
  graph.sortTopologically()
  const isPruned = readProvenance(model).length > 0
  const isOurs = (node: NodeProto): boolean => isPruned && isOfPruning(node)
  const left = remaining(graph, origin, exclude)
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
  const [unknown] = left
  if (unknown !== undefined) throw neverQuantized(source, unknown)
  if (nodes.length === 0) throw nothingToQuantize(graph, exclude.size)
  graph.removeDeadNodes()
  inlineExternal(model)
  return { model, nodes, remaining: floatWeights(model) }
}

/** Visits the nodes of a graph and of the branches in it, which may be replaced meanwhile. */
function eachNode(of: QuantizedGraph, visit: (node: NodeProto, own: QuantizedGraph) => void): void {
  for (const node of [...of.graph.nodes]) {
    if (node.opType !== 'If') visit(node, of)
    else
      of.graph.editBodies(node, (branch) => {
        eachNode(new QuantizedGraph(branch, of.rounding, of), visit)
        branch.removeDeadNodes()
      })
  }
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

/**
 * Names without those of nodes that `origin` has and pruning took out of the graph: with dead tokens, or a fused attention that is written out. In
 * either case nothing of them is quantized, since the products written out read slices of its weights.
 */
function remaining(graph: Graph, origin: Model, names: Iterable<string>): Set<string> {
  const now = new Set(graph.nodes.map(shownName))
  const before = new Set(origin.proto.graph?.node.filter((node) => rewriteOf(node) !== undefined).map(shownName))
  return new Set([...names].filter((name) => now.has(name) || !before.has(name)))
}

/** A name in `exclude` that leaves nothing out is a slip of the pen. */
function neverQuantized({ proto }: Model, name: string): TpError {
  const node = nodesOf(proto.graph).find((each) => each.name === name)
  const seen =
    node === undefined
      ? `the model has no node "${name}"`
      : `the node "${name}" (${operatorName(node)}) remains in float32 in any case`
  const advice = 'name nodes as `nodes` of the result does (tp quantize --json prints them), or leave it out'
  return new TpError('TP_OPTION', 'compiler', `quantize: exclude: ${seen}; ${advice}`)
}

function nothingToQuantize(graph: Graph, excluded: number): Refused {
  const isHalf = graph.initializers.some(({ dataType }) => dtypeOf(dataType) === 'float16')
  const reason = isHalf
    ? 'its weights are of half precision; quantize the float32 file it was made from'
    : excluded > 0
      ? 'every node that could be is left out'
      : 'no product and no table of it has constant float32 weights'
  return new Refused('TP_QUANTIZE', `there is nothing to quantize in this model: ${reason}`)
}
