import { TpError } from '@tp/core'
import { cloneModel, dtypeOf, Graph, type Model, type NodeProto, opset } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { isPacked } from '../program/packed-mark.ts'
import { readProvenance } from '../program/provenance.ts'
import { nameOf, type Refusal, Refused, refusalOf } from '../program/refusal.ts'
import { requireModel } from '../program/require-model.ts'
import { inlineExternal } from './inline-external.ts'
import { QuantisedGraph } from './quantised-graph.ts'
import { rewriteOf } from './rewrite-nodes.ts'
import type { Rounding, WeightType } from './round-weights.ts'

export interface QuantizeOptions {
  /** Default int8: on x86 with VNNI or AMX much faster than uint8, which is there for processors without signed products. */
  readonly weightType?: WeightType | undefined
  /** One scale for each output channel (default) instead of one for each matrix. */
  readonly perChannel?: boolean | undefined
  /** Weights of 7 bits (default false), for x86 without VNNI, where sums of two 8-bit products saturate at 16 bits. */
  readonly reduceRange?: boolean | undefined
  /** Nodes that remain in float32, by the names that {@link Quantized.nodes} gives. */
  readonly exclude?: Iterable<string> | undefined
}

export type QuantizeResult = Quantized | { readonly ok: false; readonly refusal: Refusal }

export interface Quantized {
  readonly ok: true
  readonly model: Model
  /** What was quantised, in the order of the file. */
  readonly nodes: readonly QuantizedNode[]
}

export interface QuantizedNode {
  /** The node's name in the source, or that of its result where it has none. */
  readonly name: string
  /** MatMul, Gemm, Gather or com.microsoft.Attention */
  readonly operator: string
}

/**
 * Stores the weights of products and of embedding tables as 8-bit numbers, and computes the products with them; activations are
 * quantised by the range that they have in each run (dynamic quantisation). With the same options the result computes what
 * onnxruntime's `quantize_dynamic` makes of the file, with the same weights bit for bit. Convolutions remain in float32, where
 * an 8-bit one is slower, and so do the bodies of If, Loop and Scan, and the small networks of a pruning method. The model itself is
 * not changed.
 *
 * Refused: TP_QUANTISED for a file with 8-bit operators, TP_PACKED, TP_OPSET before 11, TP_QUANTISE where nothing is quantised (weights
 * of half precision among them), TP_VALUE for weights that are not finite.
 * @throws TpError TP_OPTION for an option that is unknown, or names a node that is not quantised; TP_NOT_ONNX for what is no model
 */
export function quantize(source: Model, options: QuantizeOptions = {}): QuantizeResult {
  requireModel(source)
  const rounding = roundingOf(options)
  const exclude = new Set(options.exclude)
  try {
    return quantizeModel(source, rounding, exclude)
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

function roundingOf({ weightType = 'int8', perChannel = true, reduceRange = false }: QuantizeOptions): Rounding {
  if (weightType === 'int8' || weightType === 'uint8') return { type: weightType, perChannel, reduceRange }
  throw new TpError('TP_OPTION', 'compiler', `quantize: weightType is ${weightType}; it has to be int8 or uint8`)
}

function quantizeModel(source: Model, rounding: Rounding, exclude: ReadonlySet<string>): Quantized {
  const model = cloneModel(source)
  requireFloat(model)
  const graph = new Graph(model)
  graph.sortTopologically()
  const to = new QuantisedGraph(graph, model, rounding)
  const isPruned = readProvenance(model).length > 0
  const nodes: QuantizedNode[] = []
  const left = new Set(exclude)
  for (const node of [...graph.nodes]) {
    const name = node.name === '' ? (node.output[0] as string) : node.name
    const rewrite = isPruned && name.startsWith(OF_PRUNING) ? undefined : rewriteOf(node)
    if (rewrite === undefined || left.delete(name)) continue
    if (rewrite(node, to)) nodes.push({ name, operator: operatorName(node) })
  }
  const [unknown] = left
  if (unknown !== undefined)
    throw new TpError(
      'TP_OPTION',
      'compiler',
      `quantize: no node "${unknown}" could be quantised, so none can be left out`,
    )
  if (nodes.length === 0) throw nothingToQuantise(graph, exclude.size)
  graph.removeDeadNodes()
  inlineExternal(model)
  return { ok: true, model, nodes }
}

/** What pruning adds. Its networks are small, and which tokens are kept must not hang on their rounding. */
const OF_PRUNING = 'tp/'

/** @throws Refused */
function requireFloat(model: Model): void {
  if (isPacked(model)) {
    throw new Refused(
      'TP_PACKED',
      'the model is packed already; quantise the file it was made from, and pack the result',
    )
  }
  const version = opset(model)
  if (version < 11) {
    throw new Refused(
      'TP_OPSET',
      `8-bit products require opset 11 and the file has ${version}; export it with a newer one`,
    )
  }
  const found = model.proto.graph?.node.find(isQuantised)
  if (found === undefined) return
  const advice = 'quantise the float32 file it was made from'
  throw new Refused(
    'TP_QUANTISED',
    `the model is quantised already: it has the node ${nameOf(found)}; ${advice}`,
    found,
  )
}

function isQuantised({ opType }: NodeProto): boolean {
  return /^Q(Linear|Gemm|Attention|Embed|MoE)|QuantizeLinear$|Integer$|IntegerToFloat$|^DequantizeLinear$|NBits$|^DynamicQuantize|Bnb4$/.test(
    opType,
  )
}

function nothingToQuantise(graph: Graph, excluded: number): Refused {
  const isHalf = graph.initializers.some(({ dataType }) => dtypeOf(dataType) === 'float16')
  const reason = isHalf
    ? 'its weights are of half precision; quantise the float32 file it was made from'
    : excluded > 0
      ? 'every node that could be is left out'
      : 'no product and no table of it has constant float32 weights'
  return new Refused('TP_QUANTISE', `there is nothing to quantise in this model: ${reason}`)
}
