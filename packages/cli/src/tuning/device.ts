import { type Runtime, TpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { usageError } from '../command/usage-error.ts'

/**
 * What a plan is tuned for: `node`, or `web`, the wasm of browsers, on this machine.
 * @throws TpError TP_USAGE, TP_RUNTIME
 */
export async function openDevice(name: string): Promise<Runtime> {
  if (name === 'node') return nodeRuntime()
  if (name !== 'web') throw usageError(`--runtime is "${name}"; it must be node or web`)
  try {
    const { wasmRuntime } = await import('@tp/runtime-web')
    return wasmRuntime()
  } catch (cause) {
    const advice = 'install @tp/runtime-web and onnxruntime-web beside @tp/cli'
    throw new TpError('TP_RUNTIME', 'tp', `--runtime web: ${(cause as Error).message}; ${advice}`, { cause })
  }
}
