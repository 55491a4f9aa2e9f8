import { TpError } from '@tp/core'

export type OrtNode = typeof import('onnxruntime-node')

/**
 * onnxruntime-node is imported when it is first needed, so that importing this package costs nothing.
 * @throws TpError TP_RUNTIME_MISSING
 */
export async function importOrt(): Promise<OrtNode> {
  try {
    return await import('onnxruntime-node')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TpError(
      'TP_RUNTIME_MISSING',
      'runtime-node',
      `onnxruntime-node cannot be loaded (${reason}). Install it with: npm install onnxruntime-node@1.30`,
      { cause },
    )
  }
}
