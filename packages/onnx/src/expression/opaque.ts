import { type DType, type Tensor, TpError } from '@tp/core'
import type { Op, OutputInfo } from '@tp/core/expression'
import type { NodeProto } from 'onnx-buf'
import { attributeGraphs } from '../graph/subgraph.ts'
import { readValueInfo } from '../graph/value-info.ts'

/** A node of a file that core has no meaning for: its results are values whose computation is not known. */
export interface OpaqueOp extends Op {
  /** The node as the file has it. */
  readonly source: NodeProto
}

export function isOpaque(op: Op): op is OpaqueOp {
  return 'source' in op
}

export function opaqueOp(source: NodeProto, outputs: readonly OutputInfo[]): OpaqueOp {
  return {
    name: source.opType,
    source,
    infer: () => outputs,
    run: () => {
      const label = source.name === '' ? source.output[0] : source.name
      throw new TpError('TP_OPAQUE', 'onnx', `node "${label}" (${source.opType}) can only be computed by a runtime`)
    },
  }
}

/**
 * Best guess at the element type of a result that the file does not declare: that of the first float input, since
 * indices and scales come along with what is computed on.
 */
export function guessDType(inputs: readonly (Tensor | undefined)[]): DType {
  const dtypes = inputs.flatMap((input) => (input === undefined ? [] : [input.dtype]))
  return dtypes.find((dtype) => dtype.startsWith('float')) ?? dtypes[0] ?? 'float32'
}

/** Element type of a result of `If`, which its branches declare even where the graph does not. */
export function bodyOutputType(node: NodeProto, output: number): string | undefined {
  const declared = node.opType === 'If' ? attributeGraphs(node)[0]?.output[output] : undefined
  return declared && readValueInfo(declared).type
}
