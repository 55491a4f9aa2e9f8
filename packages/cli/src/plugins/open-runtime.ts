import { type Runtime, readRuntimePlugin, TpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { importPlugin } from './import-plugin.ts'

export const runtimeOption = {
  runtime: {
    type: 'string',
    value: 'node|web|MODULE',
    description: 'web: wasm, run by Node; MODULE: path or package with a runtime; default node',
  },
} as const

/**
 * The runtime that a command line asks for: `node`, `web` (the wasm of browsers, on this machine), or that of a module.
 * @throws TpError TP_RUNTIME, TP_PLUGIN
 */
export async function openRuntime(name = 'node'): Promise<Runtime> {
  if (name === 'node') return nodeRuntime()
  if (name === 'web') return await openWeb()
  return readRuntimePlugin(await importPlugin(name, 'runtime', 'node, web, '), name).runtime
}

async function openWeb(): Promise<Runtime> {
  try {
    const { wasmRuntime } = await import('@tp/runtime-web')
    return wasmRuntime()
  } catch (cause) {
    const advice = 'install @tp/runtime-web and onnxruntime-web beside @tp/cli'
    throw new TpError('TP_RUNTIME', 'tp', `--runtime web: ${(cause as Error).message}; ${advice}`, { cause })
  }
}
