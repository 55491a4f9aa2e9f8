import { TpError } from '@tp/core'
import { type Runtime, readRuntimePlugin } from '@tp/core/runtime'
import { nodeRuntime } from '@tp/runtime-node'
import { moduleResolve } from 'import-meta-resolve'
import { importPlugin } from './import-plugin.ts'

/**
 * The runtime that a command line asks for: `node`, `native`, `web` (the wasm of browsers, on this machine), or that of a module.
 * @throws TpError TP_RUNTIME, TP_PLUGIN
 */
export async function openRuntime(name = 'node'): Promise<Runtime> {
  if (name === 'node') return nodeRuntime()
  if (name === 'web') {
    const load = async (): Promise<Runtime> => (await import('@tp/runtime-web')).wasmRuntime()
    return await openOptional(name, load, '@tp/runtime-web and onnxruntime-web')
  }
  if (name === 'native') {
    const load = async (): Promise<Runtime> => (await import('@tp/runtime-native')).nativeRuntime()
    return await openOptional(name, load, '@tp/runtime-native')
  }
  return readRuntimePlugin(await importPlugin(name, 'runtime', 'node, native, web, '), name).runtime
}

/** URL of the module of the runtime `native`, for another process; undefined where it is not installed. */
export function nativeModule(): string | undefined {
  try {
    return moduleResolve('@tp/runtime-native', new URL(import.meta.url)).href
  } catch {
    return undefined
  }
}

/** A runtime that need not be installed. */
async function openOptional(name: string, load: () => Promise<Runtime>, packages: string): Promise<Runtime> {
  try {
    return await load()
  } catch (cause) {
    throw notInstalled(name, packages, cause)
  }
}

function notInstalled(name: string, packages: string, cause: unknown): TpError {
  const advice = `install ${packages} together with @tp/cli`
  return new TpError('TP_RUNTIME', 'tp', `the runtime ${name}: ${(cause as Error).message}; ${advice}`, { cause })
}
