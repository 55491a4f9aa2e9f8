import { isTpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { vi } from 'vitest'

/** A second runtime, with other instructions; undefined where the processor does not have them. */
export async function runtimeWith(instructions: string): Promise<Runtime | undefined> {
  vi.resetModules()
  vi.stubEnv('TP_INSTRUCTIONS', instructions)
  try {
    const { openAddon } = await import('../src/addon.ts')
    if (openAddon().about.instructions !== instructions) throw new Error(`${instructions} were not taken`)
    const { nativeRuntime } = await import('../src/native-runtime.ts')
    return nativeRuntime()
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_OPTION') return undefined
    throw error
  } finally {
    vi.unstubAllEnvs()
  }
}
