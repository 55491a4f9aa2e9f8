import type { Graph } from '@tp/onnx'

/** ONNX's number of the element type. */
const BFLOAT16 = 16

/** Why a model with weights in bfloat16 can be neither followed nor rounded, as a clause; undefined for other models. */
export function bfloat16Reason(graph: Graph): string | undefined {
  if (!graph.initializers.some(({ dataType }) => dataType === BFLOAT16)) return undefined
  const seen = 'its weights are bfloat16, in which onnxruntime has next to no operators on a CPU'
  return `${seen}; export the model in float32 or float16`
}
