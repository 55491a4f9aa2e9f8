import { isTpError, TpError } from '@tp/core'
import type { Model } from '../file/model.ts'
import { DataType } from '../protobuf/schema.ts'

/** Why a model in bfloat16 can be neither followed, rounded nor run, as a clause; undefined for other models. */
export function bfloat16Reason(model: Model): string | undefined {
  if (!isInBfloat16(model)) return undefined
  const seen = 'it is in bfloat16, in which onnxruntime has next to no operators on a CPU'
  return `${seen}; export the model in float32 or float16`
}

/**
 * A runtime's error for a model that it has refused: TP_BFLOAT16 where that is why, which its own message does not say, and else as it is. Files that
 * only store their weights in bfloat16 and cast them do run.
 */
export function refusedLoad(error: unknown, model: Model): unknown {
  if (!isTpError(error) || error.code !== 'TP_MODEL_LOAD') return error
  const reason = bfloat16Reason(model)
  return reason === undefined
    ? error
    : new TpError('TP_BFLOAT16', error.where, `the runtime refuses the model: ${reason}`, { cause: error })
}

/** Weights, or values that are cast to it. */
function isInBfloat16({ proto: { graph } }: Model): boolean {
  if (graph === undefined) return false
  return (
    graph.initializer.some(({ dataType }) => dataType === DataType.BFLOAT16) ||
    graph.node.some(({ attribute }) =>
      attribute.some(
        ({ name, i, t }) => (name === 'to' && i === BigInt(DataType.BFLOAT16)) || t?.dataType === DataType.BFLOAT16,
      ),
    )
  )
}
